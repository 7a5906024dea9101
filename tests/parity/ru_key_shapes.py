"""Full-size nets of the elder family on the meta device: every released file has exactly their names and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import State, assemble
from inference.families.realesrgan.nets import build_rrdbnet
from tests.parity.golden import Golden
from tests.parity.rows import Row, Rows

SHAPES = "ru_family_key_shapes"


def released(golden: Golden) -> Rows:
    """One row a file: loads strictly; the difference is that of the parameter counts."""
    models = golden.read(SHAPES).meta["models"]
    for name, build in _BUILD.items():
        told = models[name]
        net = build(name, _meta(told["keys"]))
        yield Row(SHAPES, name, abs(sum(parameter.numel() for parameter in net.parameters()) - told["parameters"]))


def _meta(keys: dict[str, Any]) -> State:
    """Empty tensors of the recorded names and shapes, where a * stands for the number of each of `count` layers."""
    state: dict[str, Tensor] = {}
    for name, told in keys.items():
        shape, numbers = (told["shape"], range(told["count"])) if isinstance(told, dict) else (told, range(1))
        state |= {name.replace("*", str(number)): torch.empty(shape, device="meta") for number in numbers}
    return state


def _rrdbnet(name: str, state: State) -> nn.Module:
    return assemble(lambda: build_rrdbnet(shapes_of(state)), state, name, torch.float32, "meta")


_BUILD: dict[str, Callable[[str, State], nn.Module]] = {
    **{f"RealESRGAN_x{scale}": _rrdbnet for scale in (2, 4, 8)},
}
