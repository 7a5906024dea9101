"""The recording of Emojich's cutting net: its maps and logits, and stickers cut out in both ways."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.families.emojich.cutting import SIDE, cut_out, stretched, what_is_seen
from inference.families.emojich.nets import build_unet, used
from tests.parity.golden import Golden
from tests.parity.rows import Row, Rows, gap, unequal

UNET = "emojich_unet_tiny"
NEVER, ALWAYS = 0.99999, 0.0  # how sure the net has to be


def stickers(golden: Golden) -> Rows:
    recorded = golden.read(UNET)
    told, given, out = recorded.meta, recorded.under("input."), recorded.under("expected.")
    state = used({name: it for name, it in recorded.tensors.items() if not name.startswith(("input.", "expected."))})
    net: Any = assemble(lambda: build_unet(shapes_of(state), repeats(told)), state, UNET, torch.float32, "cpu")
    for number, seen in enumerate(net.encoder(given["x"]), 1):
        yield Row(UNET, f"map {number}", gap(seen, out[f"feature_{number}"]), told["tolerance"]["logits"])
    yield Row(UNET, "logits", gap(net(given["x"]), out["logits"]), told["tolerance"]["logits"])

    emoji = given["emoji_u8"]
    square = stretched(emoji)
    digest = hashlib.sha256(square.numpy().tobytes()).hexdigest()
    yield Row(UNET, "stretched", unequal(digest, told["rgba"]["rgb_sha256_512"]))
    yield Row(UNET, "score", abs(what_is_seen(net, square)[1] - told["rgba"]["unet_mean_score"]), 1e-4)
    for way, sure, apart in (("unet", ALWAYS, told["rgba"]["pixels_with_logit_gap_below_2e_3"]), ("classic", NEVER, 0)):
        sticker = cut_out(net, emoji, sure=sure)
        theirs = _unpacked(out[f"alpha_{way}_packed"])
        yield Row(UNET, f"way, {way}", unequal(sticker.way, way))
        yield Row(UNET, f"pixels apart, {way}", (sticker.pixels[:, :, 3] != theirs).sum().item(), apart)
        yield Row(UNET, f"colours, {way}", gap(sticker.pixels[:, :, :3], square))


def repeats(told: dict[str, Any]) -> tuple[int, ...]:
    """How many blocks each stage of the recorded encoder has: the first of a stage skips nothing."""
    firsts = [number for number, block in enumerate(told["blocks"]) if not block["skip"]]
    return tuple(after - first for first, after in zip(firsts, [*firsts[1:], len(told["blocks"])], strict=True))


def _unpacked(packed: Tensor) -> Tensor:
    opaque = np.unpackbits(packed.numpy()).reshape(SIDE, SIDE)
    return torch.from_numpy(opaque) * 255
