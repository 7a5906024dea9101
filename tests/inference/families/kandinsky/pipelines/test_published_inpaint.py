"""Inpainting through the engine against pictures recorded from the published code."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from inference.engine.loop import Drawn
from inference.families.kandinsky.pipelines import parts
from inference.requests import Inpaint, Source
from tests.inference.engine.fakes import engine_of
from tests.inference.tiny import OneKit
from tests.parity.golden import Golden
from tests.parity.inpainting import SAMPLER, UNET, Recorded
from tests.parity.rows import MOVQ, TEXT

GOLDEN = Golden(Path(__file__).parents[4] / "golden")
RECORDED = GOLDEN.read(SAMPLER)
BLOBS: dict[str, bytes] = {}


@pytest.fixture(scope="module")
def kit() -> Iterator[OneKit]:
    with GOLDEN.checkpoint(inpainting=UNET, movq=MOVQ, text=TEXT) as checkpoint:
        yield OneKit(checkpoint, read_blob=BLOBS.__getitem__)


def stored(pixels: Tensor, digest: str) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(buffer, "png")
    BLOBS[digest] = buffer.getvalue()
    return digest


@pytest.mark.parametrize("case", list(RECORDED.meta["cases"]))
def test_a_picture_and_a_mask_become_the_pictures_of_the_published_code(
    kit: OneKit, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, given = RECORDED.meta["cases"][case], RECORDED.under(f"{case}.")
    batches = range(len(told["minibatches"]))
    noise = torch.cat(
        [torch.cat([given[f"noise_init.mb{i}"][None], given[f"noise_steps.mb{i}"]]) for i in batches], dim=1
    )  # [1 + steps, pictures, 4, h, w]
    monkeypatch.setattr(parts, "PictureNoise", lambda seed, shape: Recorded(list(noise[:, seed])))
    kept: list[Tensor] = []
    decode = kit.decode
    monkeypatch.setattr(kit, "decode", lambda latent: kept.append(latent) or decode(latent))  # type: ignore[func-returns-value]

    image, mask = given["image_u8_hwc"], given["user_mask_hw"]
    levels = (mask * 255).round()
    assert torch.allclose(levels / 255, mask, atol=1e-3), "a mask that a PNG can hold"
    source = Source(blob=stored(image, "a" * 64), width=image.shape[1], height=image.shape[0])
    request = Inpaint(
        prompt=told["prompt"], seeds=tuple(range(told["images_num"])), steps=told["steps"], eta=told["eta"],
        guidance_scale=told["guidance"], image=source, mask=stored(levels.to(torch.uint8), "b" * 64),
        focus=False, paste=False,
    )  # fmt: skip
    engine = engine_of(kit, max_rows=4)
    engine.add(1, request)
    events = [event for _ in range(60) if len(engine) for _, event in engine.turn()]

    tolerances = RECORDED.meta["suggested_atol"]
    torch.testing.assert_close(torch.stack(kept), given["out_latent"], atol=tolerances["latent"], rtol=0)
    assert isinstance(events[-1], Drawn), events[-1]
    pictures, theirs = events[-1].drawing.pictures, given["out_image_u8_nhwc"]
    assert all(picture.shape == image.shape for picture in pictures), "brought back to the size of the image"
    if image.shape == theirs.shape[1:]:
        assert (torch.stack(pictures).int() - theirs.int()).abs().max() <= tolerances["image_u8"]
