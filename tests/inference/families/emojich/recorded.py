"""The recorded small net of Emojich."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from tests.parity.emojich import UNET, repeats
from tests.parity.golden import Golden, Recording

GOLDEN = Golden(Path(__file__).parents[3] / "golden")


def recording() -> Recording:
    return GOLDEN.read(UNET)


def state() -> dict[str, Tensor]:
    """Its tensors under the released names."""
    return {name: it for name, it in recording().tensors.items() if not name.startswith(("input.", "expected."))}


def stages() -> list[int]:
    return list(repeats(recording().meta))
