"""The recording of HED: logits, edge maps and scribbles of the annotator, and how it resizes pictures."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.families.kandinsky.nets.hed import build_hed, edge_logits, outline, published_map, resized_as_published
from tests.parity.golden import Golden
from tests.parity.rows import Row, Rows, gap

HED = "hed_tiny"
FLIPPED = 0.005
DETECT, SHOWN, SMALL = 128, 192, 64  # resolutions that the recording was made with


def edges(golden: Golden) -> Rows:
    recorded = golden.read(HED)
    given, name = recorded.tensors, recorded.name
    state = recorded.under(recorded.meta["state_dict_prefix"])
    hed = assemble(lambda: build_hed(shapes_of(state)), state, HED, torch.float32, "cpu")
    for number, logit in enumerate(edge_logits(hed, given["in/image"]), 1):
        difference = gap(logit, given[f"out/projection_{number}"])
        yield Row(name, f"block {number}", difference, recorded.meta["tolerance"]["atol"])
    levels = recorded.meta["uint8_tolerance"]
    yield Row(name, "map", gap(outline(hed, given["in/image"]), given["out/map"]), levels["map"])
    for variant in ("safe", "scribble"):  # few levels far apart: what counts is how many pixels fall on another one
        ours, theirs = outline(hed, given["in/image"], variant), given[f"out/map_{variant}"]
        yield Row(name, f"map {variant}, share", _share_apart(ours, theirs), FLIPPED)
    large, small = given["in/image_resize"], given["in/image_small"]
    yield Row(name, "made smaller", gap(resized_as_published(large, DETECT), given["out/detect_input_resized"]))
    yield Row(name, "enlarged", gap(resized_as_published(small, SMALL), given["out/small_resized_up"]))
    stretched = published_map(hed, large, detect_resolution=DETECT, image_resolution=SHOWN)
    yield Row(name, "map at another size", gap(stretched, given["out/map_resize"]), levels["map_resize"])


def _share_apart(ours: Tensor, theirs: Tensor) -> float:
    return (ours != theirs).double().mean().item() if ours.shape == theirs.shape else math.inf
