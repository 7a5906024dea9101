"""Recordings of Real-ESRGAN: its net at each scale, and whole pictures tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.families.realesrgan.nets import build_rrdbnet
from inference.families.realesrgan.tiling import Frame, Tiling, cut, enlarge, frames
from tests.parity.golden import Golden
from tests.parity.rows import Row, Rows, gap

SCALES = {f"rrdbnet_x{scale}_tiny": scale for scale in (2, 4, 8)}
LEVELS = 1  # of 255: values are cut off, so that a last bit can cost a whole one,
APART = 0.001  # but of few pixels only: rounding would be a level off in every second one
NOT_WEIGHTS = ("input.", "expected.")


def enlarging(name: str) -> Callable[[Golden], Rows]:
    def rows(golden: Golden) -> Rows:
        recorded = golden.read(name)
        given, out = recorded.under("input."), recorded.under("expected.")
        state = {key: it for key, it in recorded.tensors.items() if not key.startswith(NOT_WEIGHTS)}
        net: Any = assemble(lambda: build_rrdbnet(shapes_of(state)), state, name, torch.float32, "cpu")
        yield Row(name, "scale", abs(net.scale - SCALES[name]))
        yield Row(name, "net", gap(net(given["x"]), out["y"]), recorded.meta["tolerance"]["y"])
        picture = given["image_u8"]
        height, width = picture.shape[:2]
        for run, told in recorded.meta["predict_runs"].items():
            tiling = _tiling(told)
            if f"predict.{run}_u8" in out:
                ours, theirs = enlarge(net, picture, tiling, at_once=told["batch_size"]), out[f"predict.{run}_u8"]
                yield Row(name, f"picture, {run}", gap(ours, theirs), LEVELS)
                yield Row(name, f"share apart, {run}", (ours != theirs).double().mean().item(), APART)
            if f"{run}.patches_u8" in out:
                tiles = [cut(picture, frame, tiling) for frame in frames(height, width, tiling)]
                cuts = torch.stack(tiles).permute(0, 2, 3, 1)
                yield Row(name, f"tiles, {run}", gap(cuts, out[f"{run}.patches_u8"]))
        if "pad_reflect_u8" in out:
            theirs = out["pad_reflect_u8"]
            whole = Tiling(
                tile=max(theirs.shape), around=0, margin=recorded.meta["predict_runs"]["default"]["pad_size"]
            )
            mirrored = cut(picture, Frame(0, 0), whole).permute(1, 2, 0)[: theirs.shape[0], : theirs.shape[1]]
            yield Row(name, "mirrored margin", gap(mirrored, theirs))

    return rows


def _tiling(told: dict[str, int]) -> Tiling:
    return Tiling(tile=told["patches_size"], around=told["padding"], margin=told["pad_size"])
