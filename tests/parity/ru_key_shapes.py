"""Full-size nets of the elder family on the meta device: every released file has exactly their names and shapes."""

from __future__ import annotations

import math
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
from inference.families.rudalle.files.contents import decoder_state, vqgan_state
from inference.families.rudalle.nets.decoder import build_decoder
from inference.families.rudalle.nets.variants import VARIANTS
from inference.families.rudalle.nets.vqgan import build_vqgan
from tests.parity.golden import Golden
from tests.parity.rows import Row, Rows, unequal

SHAPES = "ru_family_key_shapes"
_UNUSED = {  # counted, and never used
    "vqgan.gumbelf8-sber-dwt": ("model.post_quant_conv.weight", "model.post_quant_conv.bias"),
    "emojich-unet_effnetb5": ("encoder._conv_head.weight", "encoder._bn1.weight", "encoder._bn1.bias"),
}
HEAD_DIM = 64  # of every released ruCLIP


def released(golden: Golden) -> Rows:
    """One row a file: loads strictly; the difference is that of the parameter counts."""
    models = golden.read(SHAPES).meta["models"]
    for name, build in _BUILD.items():
        told = models[name]
        net = build(name, _meta(told["keys"]))
        left_out = sum(math.prod(told["keys"][key]) for key in _UNUSED.get(name, ()))
        count = told["parameters"] - left_out
        yield Row(SHAPES, name, abs(sum(parameter.numel() for parameter in net.parameters()) - count))
    for name in filter(VARIANTS.get, models):
        told, variant = models[name]["model_params"], VARIANTS[name]
        kernels = told.get("kernel_size", 0), told.get("last_kernel_size", 11)
        theirs = told["num_attention_heads"], *kernels
        yield Row(SHAPES, f"variant {name}", unequal((variant.heads, variant.kernel, variant.last_kernel), theirs))


def _meta(keys: dict[str, Any]) -> State:
    """Empty tensors of the recorded names and shapes, where a * stands for the number of each of `count` layers."""
    state: dict[str, Tensor] = {}
    for name, told in keys.items():
        shape, numbers = (told["shape"], range(told["count"])) if isinstance(told, dict) else (told, range(1))
        state |= {name.replace("*", str(number)): torch.empty(shape, device="meta") for number in numbers}
    return state


def _rrdbnet(name: str, state: State) -> nn.Module:
    return assemble(lambda: build_rrdbnet(shapes_of(state)), state, name, torch.float32, "meta")


def _unet(name: str, state: State) -> nn.Module:
    kept = used(state)
    return assemble(lambda: build_unet(shapes_of(kept)), kept, name, torch.float32, "meta")


def _clip(name: str, state: State) -> nn.Module:
    kept, heads = to_transformers(state), state["ln_final.weight"].numel() // HEAD_DIM
    config = infer_clip_config(shapes_of(kept), text_heads=heads)
    return assemble(lambda: build_clip(config), kept, name, torch.float32, "meta")


def _decoder(name: str, state: State) -> nn.Module:
    kept = decoder_state(state)
    return assemble(lambda: build_decoder(shapes_of(kept), VARIANTS[name]), kept, name, torch.float32, "meta")


def _vqgan(name: str, state: State) -> nn.Module:
    kept = vqgan_state(state)
    return assemble(lambda: build_vqgan(shapes_of(kept)), kept, name, torch.float32, "meta")


_BUILD: dict[str, Callable[[str, State], nn.Module]] = {
    **{f"RealESRGAN_x{scale}": _rrdbnet for scale in (2, 4, 8)},
    **{f"rudalle-{name}": _decoder for name in ("Malevich", "Kandinsky")},
    **{f"rudolph-{name}": _decoder for name in ("350M_v1", "350M", "1.3B", "2.7B")},
    "vqgan.gumbelf8-sber": _vqgan,
    "vqgan.gumbelf8-sber-dwt": _vqgan,
    **{model.name: _clip for model in ruclip.MODELS if model != ruclip.ELDER},
    "emojich-unet_effnetb5": _unet,
}
