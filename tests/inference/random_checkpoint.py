"""A whole random checkpoint in the studio's layout that serves every kind of request with very small nets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from inference.checkpoints.shapes import Shapes, shapes_of
from inference.families.kandinsky.files.catalogue import KINDS, Net, ways
from inference.families.kandinsky.files.keys import unet_to_official
from inference.families.kandinsky.files.store import STUDIO_FILES
from inference.families.kandinsky.nets.clip import build_clip
from inference.families.kandinsky.nets.control import STEM, build_control, graft_stem
from inference.families.kandinsky.nets.hed import HED
from inference.families.kandinsky.nets.ip_adapter import graft_adapter, is_adapter_name
from inference.families.kandinsky.nets.superres import build_superres
from inference.families.kandinsky.nets.unet import build_unet
from inference.requests import Kind
from tests.inference.tiny import MOVQ, UNET, WIDTH, write_checkpoint

ALL: tuple[Kind, ...] = KINDS
EMBEDDING = 16
CLIP: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "projection_dim": EMBEDDING,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
    "hidden_act": "quick_gelu",
}
SUPERRES: dict[str, Any] = {
    "channels": 3,
    "stem": 8,
    "widths": [8, 8, 16, 16],
    "blocks": [1, 1, 2, 1],
    "time_dim": 16,
    "frequencies": 8,
    "groups": 4,
}
CARD = {
    "label": {"ru": "Случайная", "en": "Random"},
    "native_size": [128, 128],
    "sizes": {"1:1": [128, 128], "3:2": [192, 128], "2:3": [128, 192], "16:9": [192, 64], "9:16": [64, 192]},
}
_DRAWING = {"base", "flash", "movq", "text_encoder"}


def write_random_checkpoint(folder: Path, kinds: Iterable[Kind] = ALL) -> Path:
    """Writes what `kinds` of requests take into `folder` and returns it. Takes about a second; always the same bytes.

    The card offers sizes of 64 to 192 pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    nets = {net for kind in kinds for net in ways(kind)[0]}
    if nets & _DRAWING:
        write_checkpoint(folder)
        for net in ("base", "flash"):
            if net not in nets:
                (folder / STUDIO_FILES[net]).unlink()
    torch.manual_seed(12)
    for net in sorted(nets - _DRAWING):
        if not net.startswith("projection"):
            _WRITERS[net](folder, net)
    manifest = {"configs": {"unet": UNET, "movq": MOVQ, "superres": SUPERRES}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "card.json").write_text(json.dumps(CARD, ensure_ascii=False), "utf-8")
    return folder


def _inpainting(folder: Path, net: Net) -> None:
    unet = drawn(build_unet({**UNET, "in_channels": 9}))
    tensors = {f"unet.{name}": tensor for name, tensor in unet_to_official(unet).items()}
    save_file({**tensors, "null_embedding": torch.randn(WIDTH)}, folder / STUDIO_FILES[net])
    save_file(projection(), folder / STUDIO_FILES["projection_inpainting"])


def _hed_unet(folder: Path, net: Net) -> None:
    unet = build_unet(UNET)
    graft_stem(unet, stem_shapes())
    tensors = {f"unet.{name}": tensor for name, tensor in unet_to_official(drawn(unet)).items()}
    tensors |= {f"projections.{name}": tensor for name, tensor in projection().items()}
    save_file(tensors, folder / STUDIO_FILES[net])


def _adapter(folder: Path, net: Net) -> None:
    unet = build_unet(UNET)
    graft_adapter(unet, {"image_norm.weight": (WIDTH,), "image_proj.weight": (4 * WIDTH, EMBEDDING)})
    state = {name: tensor for name, tensor in drawn(unet).items() if is_adapter_name(name)}
    save_file(unet_to_official(state), folder / STUDIO_FILES[net])


def _control(folder: Path, net: Net) -> None:
    front = shapes_of(build_unet(UNET).state_dict())
    deepest = f"down_blocks.{len(UNET['block_out_channels']) - 1}."
    kept = ("time_embedding.", "add_time_condition.", "conv_in.", "down_blocks.")
    shapes = {name: shape for name, shape in front.items() if name.startswith(kept) and not name.startswith(deepest)}
    for level, width in enumerate(UNET["block_out_channels"][:-1]):
        shapes |= {f"convs.{level}.weight": (width, width, 1, 1), f"convs.{level}.bias": (width,)}
    config = {"groups": UNET["groups"], "head_dim": UNET["attention_head_dim"]}
    control = build_control({**shapes, **stem_shapes()}, **config)
    save_file(unet_to_official(drawn(control)), folder / STUDIO_FILES[net])


def _superres(folder: Path, net: Net) -> None:
    save_file(drawn(build_superres(SUPERRES)), folder / STUDIO_FILES[net])


def _image_encoder(folder: Path, net: Net) -> None:
    path = folder / STUDIO_FILES[net]
    path.parent.mkdir(exist_ok=True)
    save_file(drawn(build_clip(CLIP)), path, metadata={"format": "pt"})
    (path.parent / "config.json").write_text(json.dumps({"model_type": "clip_vision_model", **CLIP}))


def _hed_detector(folder: Path, net: Net) -> None:
    save_file(drawn(HED([4, 4, 8, 8, 8], [2, 2, 3, 3, 3])), folder / STUDIO_FILES[net])


_WRITERS = {
    "inpainting": _inpainting,
    "hed_unet": _hed_unet,
    "ip_adapter": _adapter,
    "control_depth": _control,
    "control_scribble": _control,
    "superres_x2": _superres,
    "superres_x4": _superres,
    "superres_flash_x2": _superres,
    "image_encoder": _image_encoder,
    "hed_detector": _hed_detector,
}


def stem_shapes() -> Shapes:
    """A hint stem for the tiny U-Net."""
    widths = [3, 4, 4, 4, 4, 8, 8, 8]
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (narrow, wide) in enumerate(pairwise(widths), 1):
        shapes |= {f"{STEM}conv{number}.weight": (wide, narrow, 3, 3), f"{STEM}conv{number}.bias": (wide,)}
    first = UNET["block_out_channels"][0] // 2
    return {**shapes, f"{STEM}out.weight": (first, widths[-1], 3, 3), f"{STEM}out.bias": (first,)}


def projection() -> dict[str, Tensor]:
    return {
        "0.weight": torch.randn(WIDTH, WIDTH) / WIDTH**0.5,
        "1.weight": torch.ones(WIDTH),
        "1.bias": torch.zeros(WIDTH),
    }


def drawn(net: nn.Module) -> dict[str, Tensor]:
    """Random tensors in the place of every one of `net`: large enough that inputs matter, small enough that nothing
    explodes."""
    return {name: _random(name, tensor) for name, tensor in net.state_dict().items()}


def _random(name: str, like: Tensor) -> Tensor:
    if like.dim() > 1:
        return torch.randn(like.shape) * (1.0 / like[0].numel()) ** 0.5
    return torch.ones(like.shape) if name.endswith("weight") else 0.1 * torch.randn(like.shape)


def read_net(folder: Path, net: Net) -> Mapping[str, Tensor]:
    """The tensors of one net of such a checkpoint, under the names in its file."""
    return load_file(folder / STUDIO_FILES[net])
