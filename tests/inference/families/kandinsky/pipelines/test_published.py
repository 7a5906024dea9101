"""The pipelines through the engine against pictures recorded from the published code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from inference.engine.loop import Drawn
from inference.families.kandinsky.pipelines import parts
from inference.requests import FlashTextToImage, TextToImage
from tests.inference.engine.fakes import engine_of
from tests.inference.tiny import OneKit
from tests.parity.golden import Golden

GOLDEN = Golden(Path(__file__).parents[4] / "golden")
RECORDED = GOLDEN.read("pipeline_t2i_tiny")


@pytest.fixture(scope="module")
def kit() -> Iterator[OneKit]:
    with GOLDEN.checkpoint(unet="unet_t2i_tiny", movq="movq_tiny", text="t5_context_tiny") as checkpoint:
        kit = OneKit(checkpoint)
        kit.warm(("flash", "full"))
        yield kit


class Recording:
    """The noise of one picture as it was recorded: N0 first, then one a step."""

    def __init__(self, noise: list[Tensor]) -> None:
        self._noise = iter(noise)

    def next(self) -> Tensor:
        return next(self._noise)


@pytest.mark.parametrize("case", list(RECORDED.meta["cases"]))
def test_a_sentence_becomes_the_picture_of_the_published_code(
    kit: OneKit, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, given = RECORDED.meta["cases"][case], RECORDED.under(f"{case}.")
    noise = torch.cat(
        [
            torch.cat([given[f"noise_init.mb{number}"][None], given[f"noise_steps.mb{number}"]])
            for number, _ in enumerate(told["minibatches"])
        ],
        dim=1,
    )  # [1 + steps, pictures, 4, h, w]
    monkeypatch.setattr(parts, "PictureNoise", lambda seed, shape: Recording(list(noise[:, seed])))
    kept: list[Tensor] = []
    decode = kit.decode
    monkeypatch.setattr(kit, "decode", lambda latent: kept.append(latent) or decode(latent))  # type: ignore[func-returns-value]

    drawing = {"prompt": told["prompt"], "width": told["width"], "height": told["height"]}
    seeds = tuple(range(told["images_num"]))
    engine = engine_of(kit, max_rows=4)
    if told["gan"]:
        engine.add(1, FlashTextToImage(seeds=seeds, **drawing))
    else:
        negative = {"negative_prompt": told.get("negative", ""), "negative_mode": "official"}
        engine.add(1, TextToImage(seeds=seeds, steps=told["steps"], guidance_scale=told["w"], **negative, **drawing))
    events = [event for _ in range(40) if len(engine) for _, event in engine.turn()]

    tolerances = RECORDED.meta["suggested_atol"]
    latents = tolerances["latent_flash" if told["gan"] else "latent_base"]
    torch.testing.assert_close(torch.stack(kept), given["out_latent"], atol=latents, rtol=0)
    assert isinstance(events[-1], Drawn)
    if not told["gan"]:  # unthresholded Flash latents of random weights reach 130, which the decoder magnifies
        pixels = torch.stack(events[-1].drawing.pictures).int()
        theirs = given["out_image_u8_nhwc"].int()
        assert (pixels - theirs).abs().max() <= tolerances["image_u8"]
