"""What the shapes of a decoder do not tell, and what it is for each released one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variant:
    """The number of attention heads; for the others see `Layout`."""

    heads: int
    kernel: int = 0
    last_kernel: int = 11
    shifted: bool = False


VARIANTS = {
    "rudalle-Malevich": Variant(16),
    "rudalle-Malevich_v2": Variant(16, shifted=True),
    "rudalle-Emojich": Variant(16, shifted=True),
    "rudalle-Surrealist_XL": Variant(16),
    "rudalle-Kandinsky": Variant(60),
    "rudolph-350M_v1": Variant(16, kernel=7, last_kernel=9),
    "rudolph-350M": Variant(16, kernel=7, last_kernel=9),
    "rudolph-1.3B": Variant(16, kernel=9, last_kernel=11),
    "rudolph-2.7B": Variant(32, kernel=7, last_kernel=9),
    "rudolph-2.7B_fbc2": Variant(32, kernel=7, last_kernel=9),
}
