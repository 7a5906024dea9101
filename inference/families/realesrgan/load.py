"""Files of Real-ESRGAN into nets."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from inference.checkpoints.models import Found
from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import State, assemble, read_tensors, state_in
from inference.families.realesrgan.nets import RRDBNet, build_rrdbnet


def read(path: Path) -> State:
    """The tensors of a file, which may lie under "params" or "params_ema". Raises UnreadableCheckpoint."""
    return state_in(read_tensors(path), "params", "params_ema")


def load(found: Found, dtype: torch.dtype, device: torch.device | str) -> RRDBNet:
    """The net of a model on `device` in `dtype`. Raises UnreadableCheckpoint for a file that holds no such net."""
    state = read(found.weights)
    net = assemble(lambda: build_rrdbnet(shapes_of(state)), state, found.weights.name, dtype, device)
    return cast(RRDBNet, net)


def check(found: Found) -> None:
    """Raises UnreadableCheckpoint unless a file holds such a net; reads no weights."""
    load(found, torch.float32, "meta")
