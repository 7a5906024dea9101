"""Recordings of the Sber VQ-GAN: codes, pictures, wavelets and image prompts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.engine.previews import to_uint8
from inference.families.rudalle.files.contents import vqgan_state
from inference.families.rudalle.image_prompts import Borders, image_prompt
from inference.families.rudalle.nets.vqgan import build_vqgan, code_logits, decode, encode
from tests.parity.golden import Golden, Recording
from tests.parity.rows import Row, Rows, gap

VQGAN, DWT = "sber_vqgan_tiny", "sber_vqgan_dwt_tiny"
PROMPTS = {"up": Borders(up=2), "all4": Borders(up=1, right=2, left=3, down=1)}
CROPPED = "_crop"


def vqgan(recorded: Recording) -> nn.Module:
    """The recorded codec; what a recording leaves out of its encoder is zero."""
    state = vqgan_state({f"model.{name}": tensor for name, tensor in recorded.under("model.").items()})
    first = state["decoder.conv_in.weight"].shape[0]
    stem = {"encoder.conv_in.weight": torch.zeros(first, 3, 3, 3)} | state
    missing = shapes_of(build_vqgan(shapes_of(stem)).state_dict()).items()
    state = {name: torch.zeros(shape) for name, shape in missing if name.startswith("encoder.")} | state
    return assemble(lambda: build_vqgan(shapes_of(state)), state, recorded.name, torch.float32, "cpu")


def images_of(pixels: Tensor) -> Tensor:
    """[B, 3, H, W] in [−1, 1] of uint8 [B, H, W, 3], as the published code has them."""
    return 2 * (pixels.permute(0, 3, 1, 2) / 255) - 1


def plain(golden: Golden) -> Rows:
    recorded = golden.read(VQGAN)
    net, tolerance = vqgan(recorded), recorded.meta["tolerance"]["tensors"]
    given, out = recorded.under("input."), recorded.under("expected.")
    images = images_of(given["images_u8"])
    logits = code_logits(net, images)
    yield Row(VQGAN, "logits of codes", gap(logits, out["quantize_logits"]), tolerance)
    yield Row(VQGAN, "codes", gap(encode(net, images).flatten(1), out["tokens"]))
    drawn = (logits + given["gumbel_noise"]).argmax(1)
    yield Row(VQGAN, "codes by lot", gap(drawn.flatten(1), out["tokens_gumbel"]))
    smaller = encode(net, images[:, :, :48, :48])
    yield Row(VQGAN, "codes of another size", gap(smaller.flatten(1), out["tokens_48px"]))

    side = recorded.meta["tokens_grid"]
    for name, codes in (
        ("from_input_tokens", given["tokens"].unflatten(1, (side, side))),
        ("from_expected_tokens", out["tokens"].unflatten(1, (side, side))),
        ("48px", smaller),
    ):
        ours = (decode(net, codes).clamp(-1, 1) + 1) / 2
        yield Row(VQGAN, f"decoded {name}", gap(ours, out[f"decoded_{name}"]), tolerance)
    raw = decode(net, given["tokens"].unflatten(1, (side, side)))
    yield Row(VQGAN, "decoded, not clamped", gap(raw, out["decoder_raw_from_input_tokens"]), tolerance)
    ours, theirs = to_uint8(raw).permute(0, 2, 3, 1), out["pil_u8_from_input_tokens"]
    yield Row(VQGAN, "pixels", gap(ours, theirs), 1)
    levels = (raw.clamp(-1, 1) + 1) / 2 * 255
    between = ((levels - levels.round()).abs() > 1e-3).permute(0, 2, 3, 1)  # where no rounding error tips the scale
    yield Row(VQGAN, "pixels between levels", gap(ours[between], theirs[between]))
    yield from _prompts(recorded, net, images[0])


def _prompts(recorded: Recording, net: nn.Module, image: Tensor) -> Rows:
    for name, borders in PROMPTS.items():
        for suffix in ("", CROPPED):
            out = recorded.under(f"image_prompt.{name}{suffix}.")
            prompt = image_prompt(net, image, borders, crop_first=bool(suffix))
            cells = prompt.given.flatten().nonzero()[:, 0]
            yield Row(VQGAN, f"given cells {name}{suffix}", gap(cells, out["idx"].sort().values))
            yield Row(VQGAN, f"codes of prompt {name}{suffix}", gap(prompt.codes.flatten()[None], out["tokens"]))


def wavelets(golden: Golden) -> Rows:
    recorded = golden.read(DWT)
    net, out = vqgan(recorded), recorded.under("expected.")
    codes = recorded.tensors["input.tokens"]
    side = round(codes.shape[1] ** 0.5)
    raw = decode(net, codes.unflatten(1, (side, side)))
    yield Row(DWT, "decoded, not clamped", gap(raw, out["decoder_raw"]), recorded.meta["tolerance"]["tensors"])
