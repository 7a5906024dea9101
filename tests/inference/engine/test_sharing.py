"""A picture does not depend on what it was drawn together with."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from inference.families.kandinsky.answers import Guide
from inference.families.kandinsky.conditioning import Context
from inference.families.kandinsky.files.catalogue import UNet
from inference.requests import Request
from tests.inference.engine.fakes import engine_of, finish, flash, full, pictures
from tests.inference.tiny import TinyKit

SHORT, LONG = "a fox", "a cute corgi lives in a house made out of sushi, oil painting, warm light, " * 2


class Watched(TinyKit):
    """A real kit that keeps the latents it decodes and counts rows."""

    latents: list[Tensor]
    rows: list[int]

    def decode(self, latent: Tensor) -> Tensor:
        self.latents.append(latent.clone())
        return super().decode(latent)

    def denoise(self, unet: UNet, x: Tensor, t: Tensor, context: Context, guide: Guide) -> Tensor:
        self.rows.append(len(x))
        return super().denoise(unet, x, t, context, guide)


@pytest.fixture(scope="module")
def kit(tiny_folder: Path) -> Watched:
    kit = Watched(tiny_folder)
    kit.latents, kit.rows = [], []
    return kit


def latents_of(kit: Watched, *requests: Request, late: int = 0) -> dict[int, Tensor]:
    """Final latents of every seed when the requests are drawn together, all but the first `late` turns later."""
    kit.latents.clear()
    kit.rows.clear()
    engine = engine_of(kit, max_rows=16)
    order: list[int] = []
    for job_id, request in enumerate(requests):
        if job_id == 1:
            for _ in range(late):
                engine.turn()
        engine.add(job_id, request)
    told: dict[int, Tensor] = {}
    while len(engine):
        before = len(kit.latents)
        for job_id, _ in engine.turn():
            order += [job_id] * (len(kit.latents) - before)
            before = len(kit.latents)
    taken = {job_id: iter(request.seeds) for job_id, request in enumerate(requests)}
    for job_id, latent in zip(order, kit.latents, strict=True):
        told[next(taken[job_id])] = latent
    return told


def assert_same(latents: Tensor, expected: Tensor) -> None:
    """Equal within 1e-4 where latents are of order one, as with trained weights; random ones drive Flash to 60."""
    scale = max(1.0, expected.square().mean().sqrt().item())
    torch.testing.assert_close(latents / scale, expected / scale, atol=1e-4, rtol=0)


def test_a_flash_picture_is_the_same_alone_and_among_strangers(kit: Watched) -> None:
    mine = flash(SHORT, 1, 2)
    alone = latents_of(kit, mine)
    among = latents_of(kit, mine, flash(LONG, 3, 4, 5), flash("", 6))
    assert max(kit.rows) == 6
    for seed in (1, 2):
        assert_same(among[seed], alone[seed])


def test_a_guided_picture_is_the_same_among_others_at_other_timesteps(kit: Watched) -> None:
    mine = full(SHORT, 1, steps=7, negative_prompt="blurry, low quality, bad anatomy")
    alone = latents_of(kit, mine)
    among = latents_of(kit, full(LONG, 2, 3, steps=9), mine, full("a house", 4, steps=5, guidance_scale=0), late=4)
    assert max(kit.rows) > 4
    assert_same(among[1], alone[1])


def test_the_words_matter_so_the_comparison_means_something(kit: Watched) -> None:
    one, other = latents_of(kit, flash(SHORT, 1))[1], latents_of(kit, flash(LONG, 1))[1]
    assert (one - other).abs().max() > 0.05


def test_any_tile_of_a_job_can_be_made_again_alone(kit: Watched) -> None:
    whole = full(SHORT, 11, 12, 13, steps=5)
    together = latents_of(kit, whole)
    again = latents_of(kit, whole.model_copy(update={"seeds": (12,)}))
    assert_same(again[12], together[12])
    assert (together[11] - together[12]).abs().max() > 0.1


def test_a_job_too_large_for_one_pass_comes_out_the_same(kit: Watched) -> None:
    request = full(SHORT, 1, 2, 3, steps=4)
    whole = latents_of(kit, request)
    kit.latents.clear()
    kit.rows.clear()
    engine = engine_of(kit, max_rows=4)
    engine.add(1, request)
    finish(engine)
    assert set(kit.rows) == {4, 2}  # two pictures with both halves of guidance, then one
    assert_same(torch.stack(kit.latents), torch.stack(list(whole.values())))


def test_a_run_alone_shares_no_pass(kit: Watched) -> None:
    kit.rows.clear()
    engine = engine_of(kit)
    engine.add(1, flash(SHORT, 1, 2), alone=True)
    engine.add(2, flash(SHORT, 3))
    told = finish(engine)
    assert set(kit.rows) == {1, 2}
    assert pictures(told[1]).shape == (2, 64, 64, 3)
