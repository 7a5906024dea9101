"""Full-size nets of the elder family on the meta device: every released file has exactly their names and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import State, assemble
from inference.families.emojich.nets import build_unet, used
from inference.families.realesrgan.nets import build_rrdbnet
from inference.families.ruclip import files as ruclip
from inference.families.ruclip.nets import build_clip, infer_clip_config, to_transformers
from tests.parity.golden import Golden
from tests.parity.rows import Row, Rows

SHAPES = "ru_family_key_shapes"
_UNUSED = ("encoder._conv_head.weight", "encoder._bn1.weight", "encoder._bn1.bias")  # counted, and never used

Told = dict[str, Any]


def released(golden: Golden) -> Rows:
    """One row a file: loads strictly; the difference is that of the parameter counts."""
    models = golden.read(SHAPES).meta["models"]
    for name, build in _BUILD.items():
        told = models[name]
        state = _meta(told["keys"])
        net = build(name, state, told)
        unused = sum(state[key].numel() for key in _UNUSED if key in state)
        count = sum(parameter.numel() for parameter in net.parameters()) + unused
        yield Row(SHAPES, name, abs(count - told["parameters"]))


def _meta(keys: dict[str, Any]) -> State:
    """Empty tensors of the recorded names and shapes, where a * stands for the number of each of `count` layers."""
    state: dict[str, Tensor] = {}
    for name, told in keys.items():
        shape, numbers = (told["shape"], range(told["count"])) if isinstance(told, dict) else (told, range(1))
        state |= {name.replace("*", str(number)): torch.empty(shape, device="meta") for number in numbers}
    return state


def _rrdbnet(name: str, state: State, told: Told) -> nn.Module:
    return assemble(lambda: build_rrdbnet(shapes_of(state)), state, name, torch.float32, "meta")


def _unet(name: str, state: State, told: Told) -> nn.Module:
    state = used(state)
    return assemble(lambda: build_unet(shapes_of(state)), state, name, torch.float32, "meta")


def _clip(name: str, state: State, told: Told) -> nn.Module:
    state = to_transformers(state)
    config = infer_clip_config(shapes_of(state), text_heads=told["config"]["transformer_heads"])
    return assemble(lambda: build_clip(config), state, name, torch.float32, "meta")


_BUILD: dict[str, Callable[[str, State, Told], nn.Module]] = {
    **{f"RealESRGAN_x{scale}": _rrdbnet for scale in (2, 4, 8)},
    **{model.name: _clip for model in ruclip.MODELS if model != ruclip.ELDER},
    "emojich-unet_effnetb5": _unet,
}
