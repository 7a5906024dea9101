"""Pieces of the training: schedules, averages, saved states, losses, and the arithmetic of the Flash student."""

import random
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import nn

from inference.families.kandinsky.sampling import FLASH_TIMES, alphas_cumprod
from inference.nano import flash, movq, text, unet
from inference.nano.captions import Named
from inference.nano.speech.asking import ask
from inference.nano.training import Average, Budget, batches, hasten_norms, load, quick_arithmetic, rate, save
from inference.nano.world import Scene, practice_scene


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_the_rate_warms_up_holds_and_falls() -> None:
    assert rate(0.0, 0.4) < 0.05
    assert rate(0.2, 0.4) == rate(0.4, 0.4) == 1.0
    falling = [rate(share, 0.4) for share in (0.5, 0.7, 0.9, 1.0)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == pytest.approx(0.02)


@pytest.mark.parametrize("native", [True, False])
def test_nothing_is_reckoned_in_numbers_that_the_processor_only_pretends_to_know(
    native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: native)
    with quick_arithmetic():
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == (torch.bfloat16 if native else torch.float32)


def test_what_people_say_of_a_picture_never_leaves_its_ground_open(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Named] = {}

    def heard(scene: Scene, language: str, rng: random.Random) -> tuple[str, Named]:
        sentence, named = ask(scene, language, rng)
        said[sentence] = named
        return sentence, named

    monkeypatch.setattr(unet, "ask", heard)
    monkeypatch.setattr(text, "tokenize", lambda _, texts: texts)
    seeds = list(range(200))
    texts: Any = unet.describe(cast(Any, None), seeds, random.Random(1), 1.0)
    peoples = [said[one] for one in texts if one in said]
    assert len(peoples) > 100 and all("background" in named for named in peoples)
    assert any("background" not in named for named in said.values()), "some do, and their pictures get a caption"
    grounds = [
        (practice_scene(seed).background, said[one]) for seed, one in zip(seeds, texts, strict=True) if one in said
    ]
    assert all(named["background"] == ground for ground, named in grounds)
    said.clear()
    unet.describe(cast(Any, None), seeds, random.Random(1))
    assert not said, "nobody who reads captions alone is spoken to as people speak"


def test_a_budget_counts_core_time_of_earlier_runs_too() -> None:
    budget = Budget(10.0, spent_before=5.0)
    assert 0.5 <= budget.share < 0.6


def test_the_average_follows_the_weights() -> None:
    layer = nn.Linear(2, 2)
    average = Average(layer, 0.9)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    for _ in range(200):
        average.update(layer)
    assert torch.allclose(average.shadow["weight"], torch.ones(2, 2), atol=1e-4)


def test_saved_states_come_back_and_missing_ones_are_none(tmp_path: Path) -> None:
    save(tmp_path / "part" / "x.pt", {"step": 3, "weights": torch.ones(2)})
    state = load(tmp_path / "part" / "x.pt")
    assert state is not None and state["step"] == 3
    assert load(tmp_path / "nothing.pt") is None


def test_every_item_is_seen_once_before_any_is_seen_again() -> None:
    order = batches(12, 4, torch.Generator().manual_seed(1))
    assert sorted(torch.cat([next(order) for _ in range(3)]).tolist()) == list(range(12))


def test_hastened_norms_compute_the_same() -> None:
    x = torch.randn(2, 8, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
    plain, fast = nn.GroupNorm(2, 8), nn.GroupNorm(2, 8)
    hasten_norms(fast)
    (a,) = torch.autograd.grad(plain(x).square().sum(), x)
    (b,) = torch.autograd.grad(fast(x).square().sum(), x)
    assert torch.allclose(a, b, atol=1e-5)


def test_times_are_spread_evenly_over_all_levels() -> None:
    times = unet.stratified_times(1000, torch.Generator().manual_seed(1))
    assert sorted(times.tolist()) == list(range(1000))
    assert times.tolist() != sorted(times.tolist())


def test_the_loss_is_zero_for_the_true_noise_and_forgives_clean_states_more() -> None:
    noise, wrong = torch.randn(1, 4, 8, 8), torch.zeros(1, 4, 8, 8)
    alphas = alphas_cumprod()
    assert unet.noise_loss(noise, noise, alphas[[500]]) == 0
    late, early = (unet.noise_loss(wrong, noise, alphas[[t]]) for t in (20, 900))
    assert late < 0.1 * early


def test_an_estimate_inverts_noising_at_every_flash_time() -> None:
    x0 = torch.randn(4, 4, 8, 8)
    for t in FLASH_TIMES:
        again = torch.Generator().manual_seed(1)
        x = flash.renoise(x0, t, torch.Generator().manual_seed(1))
        assert torch.allclose(flash.estimate(x, torch.randn(x0.shape, generator=again), t), x0, atol=1e-4)


def test_a_trajectory_keeps_the_states_at_flash_times_and_a_bounded_end() -> None:
    teacher = unet.Denoiser().eval()
    noise, hidden = torch.randn(2, 4, 16, 16), torch.randn(2, 7, text.WIDTH)
    states = flash.trajectory(teacher, hidden, torch.ones(2, 7, dtype=torch.int64), noise)
    assert states.shape == (2, len(FLASH_TIMES) + 1, 4, 16, 16)
    assert torch.equal(states[:, 0], noise)
    assert states[:, -1].abs().max() <= 1


def test_refining_reads_the_context_that_enlarging_gives_it() -> None:
    from inference.families.kandinsky.conditioning import UNSEEN_PAD, encode, tokenize
    from inference.families.kandinsky.files.load import Checkpoint
    from inference.nano.export import WEIGHTS

    checkpoint = Checkpoint.open(WEIGHTS)
    tokenizer, encoder = checkpoint.load_text_encoder(torch.float32, "cpu")
    nothing = flash.wordless(tokenizer, encoder)
    assert torch.equal(nothing, encode(encoder, [(*tokenize(tokenizer, "").ids, UNSEEN_PAD)])[0])
    student = unet.Denoiser().train()
    clean = torch.zeros(2, 4, 32, 32)
    flash.refining_loss(student, clean, nothing, torch.Generator()).backward()
    assert student.unet.conv_in.weight.grad.abs().sum() > 0


def test_the_codec_learns() -> None:
    codec, images = movq.build().train(), movq.pictures(0, 4)
    optimizer, losses = torch.optim.AdamW(codec.parameters(), 3e-3), []
    for _ in range(12):
        loss = movq.distance(movq.decode(codec, movq.encode(codec, images)), movq.to_input(images))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_labels_say_nothing_of_what_a_caption_leaves_out() -> None:
    found = text.labels([{"kind": "single", "shape1": "cat"}, {"kind": "pair", "shape2": "cat", "pairing": "above"}])
    assert found["shape1"].tolist()[1] == 0 and found["shape1"].tolist()[0] == found["shape2"].tolist()[1] > 0
    assert found["background"].tolist() == [0, 0]
