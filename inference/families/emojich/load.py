"""The file of Emojich's cutting net into the net."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from inference.checkpoints.models import Found
from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import State, assemble, read_tensors, state_in
from inference.families.emojich.nets import REPEATS, UNet, build_unet, used


def read(path: Path) -> State:
    """The tensors of a file that the net uses. Raises UnreadableCheckpoint."""
    return used(state_in(read_tensors(path)))


def load(found: Found, dtype: torch.dtype, device: torch.device | str) -> UNet:
    """The net on `device` in `dtype`. Raises UnreadableCheckpoint for a file that holds no such net.

    What shapes do not tell, how many blocks each stage has, may be stated in the folder's manifest; by default it is an
    EfficientNet-b5.
    """
    state = read(found.weights)
    repeats = found.config.get("repeats", REPEATS)
    net = assemble(lambda: build_unet(shapes_of(state), repeats), state, found.weights.name, dtype, device)
    return cast(UNet, net)


def check(found: Found) -> None:
    """Raises UnreadableCheckpoint unless a file holds such a net; reads no weights."""
    load(found, torch.float32, "meta")
