"""Parameter shapes of a checkpoint, and counting in them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]


def shapes_of(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a state dict by name."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def count_children(shapes: Shapes, prefix: str) -> int:
    """How many different names follow `prefix` (which ends in a dot): the length of a module list."""
    return len({name.removeprefix(prefix).split(".", 1)[0] for name in shapes if name.startswith(prefix)})
