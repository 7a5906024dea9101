"""Files of ruCLIP into nets, and into what prepares words and pictures for them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from inference.checkpoints.models import Found
from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import State, assemble, read_tensors, state_in
from inference.checkpoints.yttm import read_yttm
from inference.families.ruclip.config import read_config
from inference.families.ruclip.inputs import ElderInputs, Inputs
from inference.families.ruclip.nets import build_clip, infer_clip_config, to_transformers


def read(path: Path) -> State:
    """The tensors of a file. Raises UnreadableCheckpoint."""
    return state_in(read_tensors(path))


def load(found: Found, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
    """The `CLIPModel` of a version on `device` in `dtype`. Raises UnreadableCheckpoint for a file that holds no such
    net, or not the one that its configuration describes."""
    told, state = read_config(found.beside["config.json"]), to_transformers(read(found.weights))

    def build() -> nn.Module:
        config = infer_clip_config(
            shapes_of(state),
            text_heads=told.text_heads,
            vision_heads=told.vision_heads,
            highest_is_end=told.elder,
        )
        size, longest = config["vision_config"]["image_size"], config["text_config"]["max_position_embeddings"]
        if size != told.look.size or longest != told.context + told.elder:
            raise ValueError(f"it sees {size} pixels and reads {longest} ids, but config.json says otherwise")
        return build_clip(config)

    return assemble(build, state, found.weights.name, dtype, device)


def load_inputs(found: Found) -> Inputs | ElderInputs:
    """What prepares words and pictures for a version; needs no weights. Raises UnreadableCheckpoint."""
    told, words = read_config(found.beside["config.json"]), read_yttm(found.beside["bpe.model"])
    return (ElderInputs if told.elder else Inputs)(words, told.context, told.look)


def check(found: Found) -> None:
    """Raises UnreadableCheckpoint unless the files of a version are what they should be; reads no weights."""
    load(found, torch.float32, "meta")
    load_inputs(found)
