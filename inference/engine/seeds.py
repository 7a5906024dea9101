"""Seeded randomness, one stream for each picture."""

from __future__ import annotations

import torch

SEED_RANGE = 2**32  # the Mersenne twister behind torch's CPU generator keeps only the low 32 bits of a seed


def generator(seed: int) -> torch.Generator:
    """A generator on the CPU, so that a picture does not depend on the device. Raises ValueError beyond SEED_RANGE."""
    if not 0 <= seed < SEED_RANGE:
        raise ValueError(f"a seed must lie in 0…{SEED_RANGE - 1}, not {seed}")
    return torch.Generator("cpu").manual_seed(seed)
