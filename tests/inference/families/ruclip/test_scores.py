"""Cosines of the younger versions and shares of the elder one are never the same thing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.checkpoints.models import require
from inference.engine.finite import NotFinite
from inference.families.ruclip.files import ELDER
from inference.families.ruclip.inputs import ElderInputs, Inputs, Look, middle
from inference.families.ruclip.load import load, load_inputs
from inference.families.ruclip.nets import BOS, EOS, embed_texts
from inference.families.ruclip.scores import probabilities, rank, rank_by_elder, text_latents
from tests.inference.families.ruclip.folders import YOUNGER, write_elder, write_younger


@pytest.fixture(scope="module")
def younger(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Inputs]:
    found = require(write_younger(tmp_path_factory.mktemp("younger")), YOUNGER)
    inputs = load_inputs(found)
    assert isinstance(inputs, Inputs)
    return load(found, torch.float32, "cpu"), inputs


@pytest.fixture(scope="module")
def elder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ElderInputs]:
    found = require(write_elder(tmp_path_factory.mktemp("elder")), ELDER)
    inputs = load_inputs(found)
    assert isinstance(inputs, ElderInputs)
    return load(found, torch.float32, "cpu"), inputs


@pytest.fixture(scope="module")
def pictures() -> list[Tensor]:
    draw: Callable[[int], Tensor] = lambda seed: torch.randint(  # noqa: E731
        0, 256, (20 + seed, 40, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )
    return [draw(seed) for seed in range(9)]  # more than go through the net at once


def test_the_best_come_first_each_with_its_own_cosine(younger: tuple[Any, Inputs], pictures: list[Tensor]) -> None:
    clip, inputs = younger
    best = rank(clip, inputs, pictures, "кот", count=3)
    alone = {number: rank(clip, inputs, [pictures[number]], "кот").cosines[0] for number in best.order}
    assert list(best.cosines) == sorted(best.cosines, reverse=True)
    assert best.cosines == pytest.approx([alone[number] for number in best.order], abs=1e-5)
    whole = rank(clip, inputs, pictures, "кот", count=100)
    assert sorted(whole.order) == list(range(9)) and whole.order[:3] == best.order


def test_the_elder_shares_one_among_the_pictures_it_was_given(
    elder: tuple[Any, ElderInputs], pictures: list[Tensor]
) -> None:
    clip, inputs = elder
    whole = rank_by_elder(clip, inputs, pictures, "кот", count=9)
    assert sum(whole.shares) == pytest.approx(1)
    assert list(whole.shares) == sorted(whole.shares, reverse=True)
    assert rank_by_elder(clip, inputs, pictures[:1], "кот").shares == pytest.approx((1,))
    assert rank_by_elder(clip, inputs, pictures, "кот", count=2).shares == whole.shares[:2]


def test_the_likeliest_label_does_not_hang_on_how_it_is_written(
    younger: tuple[Any, Inputs], pictures: list[Tensor]
) -> None:
    clip, inputs = younger
    shares = probabilities(clip, inputs, pictures, ["кот", "озеро", "собака"])
    assert shares.shape == (9, 3) and torch.allclose(shares.sum(1), torch.ones(9))
    shouted = probabilities(clip, inputs, pictures, [" КОТ ", "Озеро", "собака"])
    assert torch.allclose(shares, shouted, atol=1e-5)


def test_braces_in_a_label_are_words(younger: tuple[Any, Inputs]) -> None:
    clip, inputs = younger
    assert text_latents(clip, inputs, ["{0} {кот}", "{"]).isfinite().all()


def test_a_long_text_keeps_its_end_with_the_younger_and_loses_it_with_the_elder(
    younger: tuple[Any, Inputs], elder: tuple[Any, ElderInputs]
) -> None:
    ours, theirs = younger[1].ids(["кот " * 300]), elder[1].ids("кот " * 300)
    assert (ours.shape, theirs.shape) == ((1, 77), (1, 76))
    assert (ours[0, 0], ours[0, -1]) == (BOS, EOS)
    assert EOS not in theirs[0].tolist()
    assert elder[1].ids("кот")[0, -1] == EOS


def test_a_text_ends_at_its_mark_for_the_younger_and_at_its_highest_id_for_the_elder(
    younger: tuple[Any, Inputs], elder: tuple[Any, ElderInputs]
) -> None:
    highest = torch.tensor([[BOS, 300, 20, EOS, 0]])
    changed = torch.tensor([[BOS, 300, 21, EOS, 0]])
    assert torch.allclose(embed_texts(elder[0], highest), embed_texts(elder[0], changed), atol=1e-6)
    assert not torch.allclose(embed_texts(younger[0], highest), embed_texts(younger[0], changed), atol=1e-3)


@pytest.mark.parametrize(("size", "top", "left"), [((4, 9), 0, 2), ((9, 4), 2, 0), ((5, 6), 0, 0), ((1, 1), 0, 0)])
def test_a_picture_is_seen_in_its_middle(size: tuple[int, int], top: int, left: int) -> None:
    picture = torch.arange(size[0] * size[1] * 3, dtype=torch.uint8).reshape(*size, 3)
    side = min(size)
    assert torch.equal(middle(picture), picture[top : top + side, left : left + side])
    assert Look(16).at([picture]).shape == (1, 3, 16, 16)


def test_numbers_that_are_none_are_no_score(tmp_path: Path, pictures: list[Tensor]) -> None:
    found = require(write_younger(tmp_path), YOUNGER)
    clip, inputs = load(found, torch.float32, "cpu"), load_inputs(found)
    clip.get_parameter("visual_projection.weight").data.fill_(float("inf"))
    assert isinstance(inputs, Inputs)
    with pytest.raises(NotFinite, match="ruclip"):
        rank(clip, inputs, pictures, "кот")
