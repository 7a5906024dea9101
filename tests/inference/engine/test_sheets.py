"""A sheet: each of its pictures is the one that its own request draws, and it is one job to everybody else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from inference.engine.kit import drawn_by
from inference.engine.loop import Drawn
from inference.requests import MAX_PROMPT_CHARS, Look, Note, Progress, Sheet, Upscale
from tests.inference.engine.fakes import engine_of, finish
from tests.inference.engine.kinds import AllKinds, language, request, source

LOOKS = (Look(), Look(suffix="anime", negative="photograph"), Look(suffix="oil on canvas"))
KINDS = ("flash", "full", "mix", "mix_flash", "refine", "inpaint", "outpaint", "scribble")


@pytest.fixture(scope="module")
def kit(random_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AllKinds:
    return AllKinds(random_folder, language(tmp_path_factory.mktemp("language")))


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_is_what_its_request_draws_alone(kit: AllKinds, kind: str) -> None:
    sheet = Sheet(of=request(kind, 3), looks=LOOKS)
    engine = engine_of(kit)
    engine.add(0, sheet)
    *progress, end = finish(engine)[0]
    assert isinstance(end, Drawn), end
    steps = [event.step for event in progress if isinstance(event, Progress)]
    (of,) = {event.of for event in progress if isinstance(event, Progress)}
    assert steps == sorted(steps) and steps[-1] == of - 1
    for tile, picture in enumerate(end.drawing.pictures):
        alone = engine_of(kit)
        alone.add(1, sheet.alone(tile))
        (drawn,) = [event for event in finish(alone)[1] if isinstance(event, Drawn)]
        assert torch.equal(picture, drawn.drawing.pictures[0])
    assert end.drawing.notes == ((Note(code="experimental"),) if kind == "mix_flash" else ())
    first, second, _third = end.drawing.pictures
    assert not torch.equal(first, second)


def test_a_sheet_is_cancelled_between_any_two_steps(kit: AllKinds) -> None:
    sheet = Sheet(of=request("flash", 3), looks=LOOKS)
    _kit, spec = drawn_by(kit.kits, sheet)
    for turns in range(spec.steps(sheet)):
        engine = engine_of(kit)
        engine.add(1, sheet)
        for _ in range(turns):
            engine.turn()
        assert engine.cancel(1) and len(engine) == 0 and engine.turn() == []


def test_it_costs_what_its_pictures_cost_together() -> None:
    for kind in KINDS:
        one = request(kind, 3)
        sheet = Sheet(of=one, looks=LOOKS)
        assert sheet.cost == pytest.approx(3 * one.cost)
        assert sheet.compatibility_key == one.compatibility_key
        assert (sheet.needs, sheet.sources, sheet.size) == (one.needs, one.sources, one.size)
        assert sheet.seeds == (3, 3, 3) and sheet.with_seeds((9, 9, 9)).seeds == (9, 9, 9)


def test_words_stand_before_the_look_and_give_way_to_it() -> None:
    sheet = Sheet(of=request("full", 3, prompt="a fox"), looks=LOOKS)
    assert [sheet.alone(tile).words for tile in range(3)] == ["a fox", "a fox, anime", "a fox, oil on canvas"]
    assert [sheet.alone(tile).said("negative_prompt") for tile in range(2)] == ["blurry", "blurry, photograph"]
    assert sheet.saying("prompt", "a boat").alone(1).words == "a boat, anime"
    long = sheet.saying("prompt", "a" * MAX_PROMPT_CHARS)
    assert len(long.alone(1).words) == MAX_PROMPT_CHARS and long.alone(1).words.endswith(", anime")
    assert long.alone(0).words == "a" * MAX_PROMPT_CHARS


@pytest.mark.parametrize(
    ("of", "looks"),
    [
        (request("flash", 1, 2), LOOKS),
        (request("beautify", 1), LOOKS),
        (Upscale.model_validate({"kind": "x2", "image": source(0), "seeds": (1,)}), LOOKS),
        (Sheet(of=request("flash", 1), looks=LOOKS), LOOKS),
        (request("flash", 1), ()),
        (request("flash", 1), LOOKS * 4),
    ],
)
def test_a_sheet_is_of_one_picture_that_takes_words_and_of_one_to_ten_looks(of: object, looks: object) -> None:
    with pytest.raises(ValidationError):
        Sheet.model_validate({"of": of, "looks": looks})
