"""Image to image, answered by hand and against a plain reference."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import Kandinsky3Img2ImgPipeline
from torch import Tensor

from inference.engine.asks import Show
from inference.families.kandinsky.asks import Decode, Denoise, Encode, ToLatent
from inference.families.kandinsky.compositing import to_signed
from inference.families.kandinsky.pipelines.refine import refine, refine_schedule, refine_steps
from inference.families.kandinsky.pipelines.text_to_image import text_to_image
from inference.families.kandinsky.sampling import alphas_cumprod, full_coefficients
from inference.requests import Note, Refine, TextToImage
from tests.inference.families.kandinsky.pipelines.studio import Played, Studio, flat, play, to_latent


def draft() -> Tensor:
    return torch.randint(60, 200, (64, 128, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def request(studio: Studio, image: Tensor, **more: Any) -> Refine:
    fields = {"prompt": "a fox", "seeds": (1, 2), "width": 128, "height": 64, "steps": 10} | more
    return Refine(image=studio.put(image), **fields)


def refined(image: Tensor, aim: Any = None, unconditional: float = 0.0, **more: Any) -> Played:
    studio = Studio()
    return play(refine(request(studio, image, **more), studio), aim or flat(0.0), unconditional)


@pytest.mark.parametrize("steps", [1, 2, 7, 25, 50, 100])
@pytest.mark.parametrize("strength", [0.01, 0.3, 0.58, 0.6, 0.99, 1.0])
def test_as_many_steps_are_taken_as_diffusers_would_take_and_the_last_ones(steps: int, strength: float) -> None:
    asked = request(Studio(), draft(), steps=steps, strength=strength)
    times = [step.t for step in full_coefficients(steps)]
    pipeline = SimpleNamespace(scheduler=SimpleNamespace(timesteps=times))
    theirs, _ = Kandinsky3Img2ImgPipeline.get_timesteps(pipeline, len(times), strength, "cpu")
    assert [step.t for step in refine_schedule(asked)] == (theirs or times[-1:])
    assert asked.passes == 2 * len(refine_schedule(asked))


def reference(latent: Tensor, seed: int, times: list[int], guidance: float, eta: float, target: Tensor) -> Tensor:
    """The method written out for one picture, where conditional and unconditional prediction agree up to 0.05."""
    generator, alphas = torch.Generator().manual_seed(seed), alphas_cumprod()
    x = alphas[times[0]].sqrt() * latent + (1 - alphas[times[0]]).sqrt() * torch.randn(4, 8, 16, generator=generator)
    for t, previous in zip(times, [*times[1:], 0], strict=True):
        a, b = alphas[t], alphas[previous]
        conditional = (x - a.sqrt() * target) / (1 - a).sqrt()
        noise = (guidance + 1) * conditional - guidance * (conditional + 0.05)
        x0 = (x - (1 - a).sqrt() * noise) / a.sqrt()
        limit = x0.abs().quantile(0.99).clamp(min=1)
        x0 = x0.clamp(-limit, limit) / limit
        sigma = (eta * (1 - a / b) * (1 - b) / (1 - a)).sqrt()
        x = b.sqrt() * x0 + (1 - b - sigma**2).sqrt() * (x - a.sqrt() * x0) / (1 - a).sqrt()
        if previous:
            x = x + sigma * torch.randn(4, 8, 16, generator=generator)
    return x


@pytest.mark.parametrize(("strength", "eta"), [(0.3, 1.0), (0.6, 1.0), (0.6, 0.0), (0.9, 0.5)])
def test_latents_agree_with_the_method_written_out_plainly(strength: float, eta: float) -> None:
    target = torch.linspace(-0.9, 0.9, 4 * 8 * 16).reshape(4, 8, 16)
    played = refined(draft(), lambda _, x: target.expand(len(x), -1, -1, -1), 0.05, strength=strength, eta=eta)
    times = list(range(999, 0, -100))[-int(10 * strength) :]
    for seed, ask in zip((1, 2), played.of(Decode), strict=True):
        theirs = reference(to_latent(to_signed(draft())), seed, times, 3.0, eta, target)
        torch.testing.assert_close(ask.latent, theirs, atol=2e-4, rtol=0)


def test_at_full_strength_it_draws_what_text_to_image_draws() -> None:
    ours = refined(draft(), flat(0.3), 0.1, strength=1.0)
    fields = {"prompt": "a fox", "seeds": (1, 2), "width": 128, "height": 64, "steps": 10}
    theirs = play(text_to_image(TextToImage(**fields), Studio()), flat(0.3), 0.1)
    for refined_, drawn in zip(ours.of(Denoise), theirs.of(Denoise), strict=True):
        assert refined_.t == drawn.t
        torch.testing.assert_close(refined_.x, drawn.x, atol=2e-3, rtol=0)


def test_the_weaker_the_closer_to_the_draft() -> None:
    def distance(strength: float) -> float:
        """How far the net's first view of the picture is from the draft, in units of the noise-free latent."""
        first = refined(draft(), strength=strength).of(Denoise)[0].x
        return float((first - to_latent(to_signed(draft()))).square().mean())

    distances = [distance(strength) for strength in (0.1, 0.3, 0.6, 1.0)]
    assert distances == sorted(distances) and distances[0] < 0.2 * distances[-1]


def test_the_source_covers_the_size_asked_for() -> None:
    wide = torch.zeros(64, 300, 3, dtype=torch.uint8)
    wide[:, 86:214] = 255  # the middle 128 columns
    [ask] = refined(wide).of(ToLatent)
    assert ask.pixels.shape == (3, 64, 128) and (ask.pixels == 1).all()


def test_one_latent_serves_all_pictures_and_each_has_noise_of_its_own() -> None:
    both, second = refined(draft()), refined(draft(), seeds=(2,))
    assert len(both.of(ToLatent)) == 1
    for ours, alone in zip(both.of(Denoise), second.of(Denoise), strict=True):
        assert torch.equal(ours.x[1:], alone.x)


@pytest.mark.parametrize(("steps", "strength"), [(1, 0.3), (10, 0.3), (64, 0.6), (50, 1.0)])
def test_the_number_of_steps_is_known_beforehand(steps: int, strength: float) -> None:
    studio = Studio()
    asked = request(studio, draft(), steps=steps, strength=strength, seeds=(1, 2, 3))
    assert play(refine(asked, studio), flat(0.0)).passes == refine_steps(asked)


def test_the_full_net_draws_with_previews_and_reports_cut_words() -> None:
    played = refined(draft(), prompt="x" * 130, negative_prompt="ugly")
    assert {ask.unet for ask in played.of(Denoise)} == {played.of(Encode)[0].unet} == {"full"}
    assert len(played.of(Show)) == len(played.of(Denoise)) == 3
    assert played.of(Encode)[0].texts[1] == Studio().tokenize("ugly").ids
    assert played.drawing.notes == (Note(code="prompt_cut", detail="xxx"),)
