"""Recordings of inpainting: its U-Net, its size rule, and whole runs from picture and mask to pictures."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from inference.engine.asks import Ask
from inference.engine.previews import to_uint8
from inference.families.kandinsky.asks import Denoise, ToLatent
from inference.families.kandinsky.compositing import resized, to_signed
from inference.families.kandinsky.conditioning import encode, merge, null_context, project
from inference.families.kandinsky.files.load import LoadedUNet
from inference.families.kandinsky.nets import movq as movq_net
from inference.families.kandinsky.nets.unet import denoise
from inference.families.kandinsky.pipelines.inpaint import Job, repaint
from inference.families.kandinsky.sampling import full_coefficients
from inference.families.kandinsky.sampling.inpainting import masked, published_keep
from inference.requests import Inpaint, InvalidRequest, Source, published_size
from tests.parity.golden import Golden
from tests.parity.nets import unet_passes
from tests.parity.rows import MOVQ, TEXT, Row, Rows, attended_ids, gap, unequal

UNET = "unet_inpaint_tiny"
SAMPLER = "sampler_inpaint"
SIZES = "inpaint_size_rules"
EXACT = 1e-6


def unet(golden: Golden) -> Rows:
    recorded = golden.read(UNET)
    with golden.checkpoint(inpainting=UNET) as checkpoint:
        loaded = checkpoint.load_unet("inpainting", torch.float32, "cpu")
    yield from unet_passes(recorded, loaded)


def size_rules(golden: Golden) -> Rows:
    for case in golden.read(SIZES).meta["cases"]:
        width, height = case["w"], case["h"]
        theirs = None if "error" in case else (case["out_w"], case["out_h"])
        yield Row(SIZES, f"{width}x{height}", unequal(_size_or_none(width, height), theirs))


def _size_or_none(width: int, height: int) -> tuple[int, int] | None:
    try:
        return published_size(width, height)
    except InvalidRequest:
        return None


def sampler(golden: Golden) -> Rows:
    recorded = golden.read(SAMPLER)
    with golden.checkpoint(inpainting=UNET, movq=MOVQ, text=TEXT) as checkpoint:
        loaded = checkpoint.load_unet("inpainting", torch.float32, "cpu")
        movq = checkpoint.load_movq(torch.float32, "cpu")
        encoder = checkpoint.load_encoder(torch.float32, "cpu")
    limit = golden.read(TEXT).meta["tokens_length"]
    tolerance = recorded.meta["suggested_atol"]
    for case, told in recorded.meta["cases"].items():
        given = recorded.under(f"{case}.")

        def row(what: str, difference: float, tolerated: float = EXACT, case: str = case) -> Row:
            return Row(SAMPLER, f"{case} {what}", difference, tolerated)

        high, wide = given["image_u8_hwc"].shape[:2]
        size = published_size(wide, high)
        picture = resized(given["image_u8_hwc"], *size, Image.Resampling.BICUBIC)
        pixels, keep = to_signed(picture), published_keep(given["user_mask_hw"], *size)
        yield row("resized", gap(picture, given["resized_image_u8_hwc"]))
        yield row("pixels", gap(pixels[None], given["image_tensor"]))
        yield row("keep mask", gap(keep.pixels[None], given["keep_mask"]))
        yield row("keep mask of cells", gap(keep.cells[None], given["keep_mask_latent"]))
        yield row("masked image", gap(masked(pixels, keep.pixels)[None], given["masked_image"]))
        known = movq_net.encode(movq, masked(pixels, keep.pixels)[None])
        yield row("masked latent", gap(known, given["masked_latent"]), tolerance["latent"])

        [rows] = encode(encoder, [attended_ids(given["input_ids"], given["attention_mask"])])
        context = project(loaded.projection, rows, limit)
        yield row("context", gap(context.rows, given["context"]), tolerance["latent"])
        yield row("times", unequal([step.t for step in full_coefficients(told["steps"])], told["times"]))

        source = Source(blob="0" * 64, width=wide, height=high)
        request = Inpaint(
            prompt=told["prompt"], seeds=(0,), image=source, mask="0" * 64, steps=told["steps"], eta=told["eta"],
            guidance_scale=told["guidance"],
        )  # fmt: skip
        job = Job(request, (context, null_context(loaded.null_embedding)), torch.device("cpu"))
        parts = []
        for number, _ in enumerate(told["minibatches"]):
            noise = torch.cat([given[f"noise_init.mb{number}"][None], given[f"noise_steps.mb{number}"]])
            streams: Any = [Recorded(list(noise[:, picture])) for picture in range(noise.shape[1])]
            parts.append(_answered(repaint(job, [pixels], keep, streams), loaded, movq))
        latents = torch.cat(parts)
        yield row("latents", gap(latents, given["out_latent"]), tolerance["latent"])
        images = to_uint8(movq_net.decode(movq, latents)).permute(0, 2, 3, 1)
        yield row("pictures", gap(images, given["out_image_u8_nhwc"]), tolerance["image_u8"])


class Recorded:
    """The noise of one picture as it was recorded: N0 first, then one tensor a step."""

    def __init__(self, noise: list[Tensor]) -> None:
        self._noise = iter(noise)

    def next(self) -> Tensor:
        return next(self._noise)


def _answered(asks: Generator[Ask, Any, Tensor], loaded: LoadedUNet, movq: nn.Module) -> Tensor:
    """Plays the engine for a part of a pipeline that ends in latents."""
    answer: object = None
    while True:
        try:
            ask = asks.send(answer)
        except StopIteration as end:
            latents: Tensor = end.value
            return latents
        answer = None
        if isinstance(ask, ToLatent):
            answer = movq_net.encode(movq, ask.pixels[None])[0]
        elif isinstance(ask, Denoise):
            context = merge([context.repeat(len(ask.x)) for context in ask.contexts])
            x = torch.cat([ask.x] * len(ask.contexts))
            t = torch.full((len(x),), float(ask.t))
            answer = denoise(loaded.unet, x, t, context.rows, context.mask, context.pool_len).chunk(len(ask.contexts))
