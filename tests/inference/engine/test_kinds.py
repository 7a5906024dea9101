"""Every kind of request through the engine: alone, among others, cancelled, short of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from inference.engine.asks import Pipeline
from inference.engine.kit import PipelineSpec
from inference.engine.loop import Drawn
from inference.families.kandinsky import kit as kit_module
from inference.families.kandinsky.asks import Decode, Enlarge, ToPixels
from inference.families.kandinsky.pipelines import PIPELINES
from inference.families.kandinsky.pipelines.enlarging import Frames
from inference.families.kandinsky.pipelines.upscale import Plan, upscale, upscale_steps
from inference.requests import Failed, Kind, Note, Progress, Request, TextToImage, Upscale
from tests.inference.engine.fakes import engine_of, finish
from tests.inference.engine.kinds import (
    KINDS,
    AllKinds,
    language,
    open_picture,
    out_of_memory,
    request,
    source,
    tiled,
)

PICTURES = [kind for kind in KINDS if kind not in ("beautify", "translate")]
ROW_BY_ROW = {"denoise", "enlarge", "embed_images", "contexts"}


@pytest.fixture(scope="module")
def kit(random_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AllKinds:
    return AllKinds(random_folder, language(tmp_path_factory.mktemp("language")))


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of super-resolution of 64 pixels instead of 1024."""
    plan = Plan(frames=Frames(window=64, stride=48))
    spec = PipelineSpec(partial(upscale, plan=plan), partial(upscale_steps, plan=plan))
    monkeypatch.setitem(PIPELINES, Upscale, spec)


@pytest.fixture(autouse=True)
def fresh(kit: AllKinds) -> None:
    kit.rows.clear()
    kit.trouble.clear()
    kit.windows, kit.rooms_made = 4, 0


@dataclass
class Made:
    """What came of a request, and the numbers before they were rounded: latents that were decoded, windows enlarged.
    `rows` are the passes it took, with those of what was drawn beside it."""

    drawn: Drawn
    numbers: list[Tensor]
    rows: list[tuple[str, int]]

    @property
    def pictures(self) -> tuple[Tensor, ...]:
        return self.drawn.drawing.pictures

    @property
    def notes(self) -> tuple[Note, ...]:
        return self.drawn.drawing.notes


def recorded(pipeline: Pipeline, numbers: list[Tensor]) -> Pipeline:
    """The same pipeline with a record of its numbers."""
    answer = None
    while True:
        try:
            ask = pipeline.send(answer)
        except StopIteration as end:
            return end.value
        if isinstance(ask, Decode | ToPixels):
            numbers.append(ask.latent.clone())
        answer = yield ask
        if isinstance(ask, Enlarge):
            numbers += [one.clone() for one in answer]


def draw(kit: AllKinds, *requests: Request) -> list[Made]:
    """The requests drawn side by side."""
    engine = engine_of(kit, max_rows=16)
    before = len(kit.rows)
    numbers: list[list[Tensor]] = [[] for _ in requests]
    for job_id, one in enumerate(requests):
        engine.add(job_id, one)
        run = engine._runs[job_id]
        run.pipeline = recorded(run.pipeline, numbers[job_id])
    told = finish(engine)
    ended = [told[job_id][-1] for job_id in range(len(requests))]
    for end in ended:
        assert isinstance(end, Drawn), end
    return [Made(end, own, kit.rows[before:]) for end, own in zip(ended, numbers, strict=True)]


def drawn_alone(kit: AllKinds, asked: Request) -> Made:
    """What comes of a request by itself, drawn once for all tests: nothing of the kit but its nets has a say in it."""
    name = asked.model_dump_json()
    if name not in _alone:
        (_alone[name],) = draw(kit, asked)
    return _alone[name]


_alone: dict[str, Made] = {}


def assert_alike(made: Made, expected: Made, within: float = 1e-4) -> None:
    """The same words; the same numbers within that much where they are of order one, as with trained nets."""
    assert made.drawn.drawing.texts == expected.drawn.drawing.texts
    assert len(made.numbers) == len(expected.numbers)
    for one, other in zip(made.numbers, expected.numbers, strict=True):
        scale = max(1.0, other.square().mean().sqrt().item())
        torch.testing.assert_close(one / scale, other / scale, atol=within, rtol=0)
    for picture, wanted in zip(made.pictures, expected.pictures, strict=True):
        assert (picture.float() - wanted.float()).abs().mean() < 0.5


def most_rows(taken: AllKinds | Made, name: str) -> int:
    return max(rows for called, rows in taken.rows if called == name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_what_was_asked_for_with_the_nets_it_takes_and_counts_its_steps_to_the_end(
    kit: AllKinds, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    required, require = set(), kit.nets.require

    def noting(name: str, *given: object) -> nn.Module:
        required.add(name)
        return require(name, *given)

    monkeypatch.setattr(kit.nets, "require", noting)
    asked = request(kind, 1, 2)
    engine = engine_of(kit)
    engine.add(1, asked)
    *progress, end = finish(engine)[1]
    assert isinstance(end, Drawn), end
    if kind in PICTURES:
        sizes = {picture.shape for picture in end.drawing.pictures}
        assert sizes == {(64, 128 if kind == "outpaint" else 64, 3)} and len(end.drawing.pictures) == 2
    else:
        assert len(end.drawing.texts) == 2 and all(end.drawing.texts)
    steps = [event.step for event in progress if isinstance(event, Progress)]
    (of,) = {event.of for event in progress if isinstance(event, Progress)}
    assert steps == sorted(steps)
    if kind in PICTURES:
        assert steps[-1] == of - 1  # the last of all is told by the end itself
    assert end.drawing.notes == (() if kind != "mix_flash" else (Note(code="experimental"),))
    taken = {net for one in kit.kits for net in one.takes(kind)}
    remembered = {"text_encoder", "image_encoder", "hed_detector"}  # what they say of the same words and pictures
    assert required <= taken <= required | remembered or kind == "scribble"  # that one is drawn in the style of another


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_the_same_alone_and_among_strangers_of_its_kind(kit: AllKinds, kind: Kind) -> None:
    mine = request(kind, 1, 2)
    alone = drawn_alone(kit, mine)
    strangers = [request(kind, 5, prompt="blue boat on a lake", number=1), request(kind, 6, 7, number=2)]
    among, *_ = draw(kit, mine, *strangers)
    for name in {name for name, _ in alone.rows} & {"denoise", "enlarge"}:
        assert most_rows(among, name) > most_rows(alone, name) or (kind, name) == ("flash_x2", "denoise")
    assert_alike(among, alone)


def test_all_kinds_at_once_come_out_as_if_each_were_alone(kit: AllKinds) -> None:
    everything = [request(kind, 3) for kind in KINDS]
    together = draw(kit, *everything)
    for one, made in zip(everything, together, strict=True):
        assert_alike(made, drawn_alone(kit, one))


def test_strangers_keep_their_own_scales_and_hints(kit: AllKinds) -> None:
    loose, tight = request("depth", 1, scale=0.1), request("depth", 1, scale=1.8)
    other = request("depth", 1, scale=1.8, number=2)
    faint, strong = (request("mix", 1, image_scale=scale) for scale in (0.1, 1.5))
    alone = [drawn_alone(kit, one) for one in (loose, tight, other, faint, strong)]
    for made, expected in zip(draw(kit, loose, tight, other, faint, strong), alone, strict=True):
        assert_alike(made, expected)

    def apart(one: Made, two: Made) -> Tensor:
        return (one.pictures[0].float() - two.pictures[0].float()).abs().mean()

    assert apart(alone[0], alone[1]) > 1 and apart(alone[1], alone[2]) > 1 and apart(alone[3], alone[4]) > 1


@pytest.mark.parametrize("max_rows", [16, 2])
def test_variations_of_one_request_keep_their_own_scales(kit: AllKinds, max_rows: int) -> None:
    """Also in parts, where there is no room for all of them in one pass."""
    varied = request("mix", 1, 2, each=(0.1, 1.5))
    engine = engine_of(kit, max_rows=max_rows)
    engine.add(1, varied)
    end = finish(engine)[1][-1]
    assert isinstance(end, Drawn)
    for tile, picture in enumerate(end.drawing.pictures):
        (alone,) = drawn_alone(kit, varied.alone(tile)).pictures
        assert (picture.float() - alone.float()).abs().mean() < 0.5
        (other,) = drawn_alone(kit, varied.alone(tile).model_copy(update={"each": (0.8,)})).pictures
        assert (picture.float() - other.float()).abs().mean() > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_cancelled_at_any_step(kit: AllKinds, kind: Kind) -> None:
    engine = engine_of(kit)
    turns = 0
    while turns < 8:
        engine.add(1, request(kind, 1))
        for _ in range(turns):
            engine.turn()
        if not engine.cancel(1):
            break
        assert len(engine) == 0 and engine.turn() == []
        turns += 1
    assert turns >= (2 if kind in PICTURES else 1)
    assert_alike(draw(kit, request("flash", 1))[0], drawn_alone(kit, request("flash", 1)))


TROUBLED: list[tuple[str, Kind]] = [
    ("contexts", "full"),
    ("denoise", "full"),
    ("denoise", "inpaint"),
    ("denoise", "scribble"),
    ("denoise", "mix"),
    ("to_pixels", "flash"),
    ("to_latent", "refine"),
    ("embed_images", "mix"),
    ("image_tokens", "mix"),
    ("outline", "hed"),
    ("enlarge", "x2"),
    ("to_latent", "flash_x2"),
    ("to_pixels", "flash_x2"),
    ("write", "beautify"),
]


@pytest.mark.parametrize(("name", "kind"), TROUBLED)
def test_what_does_not_fit_is_tried_again_with_less_and_that_is_told(kit: AllKinds, name: str, kind: Kind) -> None:
    asked = request(kind, 1, 2) if kind != "x2" else tiled()
    expected = drawn_alone(kit, asked)
    kit.rows.clear()
    kit.trouble = {name: [out_of_memory()]}
    (made,) = draw(kit, asked)
    assert_alike(made, expected, within=1e-2)  # random nets blow up what rows of another number round otherwise
    assert Note(code="leaner_retry") in made.notes
    assert kit.rooms_made == 1
    failed = next(place for place, (called, _) in enumerate(kit.rows) if called == name)
    if name in ("denoise", "enlarge", "embed_images"):
        assert {rows for called, rows in kit.rows[failed + 1 :] if called == name} == {1}


@pytest.mark.parametrize(("name", "kind"), TROUBLED)
def test_what_never_fits_fails_as_that_and_takes_nobody_along(kit: AllKinds, name: str, kind: Kind) -> None:
    kit.trouble = {name: [out_of_memory(), out_of_memory()]}
    engine = engine_of(kit)
    engine.add(1, request(kind, 1))
    failed = finish(engine)[1][-1]
    assert isinstance(failed, Failed) and failed.code == "out_of_memory"
    assert draw(kit, request(kind, 1))[0].notes == (() if kind != "mix_flash" else (Note(code="experimental"),))


def test_windows_are_enlarged_as_many_at_once_as_fit_and_it_makes_no_difference(kit: AllKinds) -> None:
    made = []
    for windows in (1, 3, 4):
        kit.rows.clear()
        kit.windows = windows
        made.append(draw(kit, tiled())[0])
        assert most_rows(kit, "enlarge") == windows
    assert_alike(made[1], made[0])
    assert_alike(made[2], made[0])


def test_windows_of_two_pictures_share_a_pass(kit: AllKinds) -> None:
    kit.windows = 8
    draw(kit, tiled(1), tiled(2))
    assert most_rows(kit, "enlarge") == 8


def test_a_draft_does_not_wait_for_a_large_picture(kit: AllKinds) -> None:
    engine = engine_of(kit)
    engine.add(1, tiled())
    for _ in range(2):
        engine.turn()
    engine.add(2, request("flash", 1))
    turns = 0
    while 2 in engine:
        engine.turn()
        turns += 1
    assert turns <= 8 and 1 in engine


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 2
        return self.now


@pytest.mark.parametrize("kind", ["x2", "flash_x2", "inpaint", "mix"])
def test_previews_show_pixels_and_latents_alike(kit: AllKinds, kind: Kind) -> None:
    kit.warm(())
    engine = engine_of(kit, clock=Clock())
    engine.add(1, request(kind, 1, 2))
    seen = [event.preview for event in finish(engine)[1] if isinstance(event, Progress) and event.preview]
    assert seen
    assert {open_picture(jpeg).format for jpeg in seen} == {"JPEG"}
    assert {max(open_picture(jpeg).size) for jpeg in seen} == {256}


def test_words_are_shown_while_they_are_written_but_no_more_than_once_a_second(kit: AllKinds) -> None:
    engine = engine_of(kit, clock=Clock())
    engine.add(1, request("beautify", 1))
    *progress, end = finish(engine)[1]
    assert isinstance(end, Drawn)
    texts = [event.text for event in progress if isinstance(event, Progress) and event.text]
    assert texts and {event.stage for event in progress if isinstance(event, Progress)} == {"writing"}
    assert all(end.drawing.texts[0].startswith(text.rpartition(" ")[0]) for text in texts)
    standing = engine_of(kit, clock=lambda: 0.0)
    standing.add(1, request("beautify", 1))
    assert not any(isinstance(event, Progress) and event.text for event in finish(standing)[1])


def test_a_picture_is_looked_at_once_however_often_it_is_used(kit: AllKinds, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counting(name: str, real: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def counted(*given: object) -> Tensor:
            seen.append(name)
            return real(*given)

        return counted

    for name in ("embed_pictures", "outline", "encode"):
        monkeypatch.setattr(kit_module, name, counting(name, getattr(kit_module, name)))
    looking: tuple[Kind, ...] = ("mix", "hed", "refine")
    for seed in (1, 2):
        for kind in looking:
            draw(kit, request(kind, seed, number=3 if kind != "mix" else 2, prompt=f"number {seed}"))
    assert seen.count("embed_pictures") <= 3  # two pictures and the grey one, less what other tests have looked at
    assert seen.count("outline") == 1 and seen.count("encode") == 1


def test_a_source_that_is_gone_is_told_as_that(kit: AllKinds) -> None:
    lost = {**source(0), "blob": "0" * 64}
    engine = engine_of(kit)
    engine.add(1, request("refine", 1, image=lost))
    failed = finish(engine)[1][-1]
    assert isinstance(failed, Failed) and failed.code == "source_gone"


def test_a_request_that_does_not_fit_its_picture_is_told_as_that(kit: AllKinds) -> None:
    engine = engine_of(kit)
    engine.add(1, request("x2", 1, image={**source(0), "width": 128}))
    failed = finish(engine)[1][-1]
    assert isinstance(failed, Failed) and failed.code == "invalid_request"


def test_with_a_small_budget_nets_come_and_go_and_pictures_are_the_same(kit: AllKinds, random_folder: Path) -> None:
    tight = AllKinds(random_folder, kit.models, budget=1)
    for kind in ("scribble", "flash_x2", "mix"):
        assert_alike(draw(tight, request(kind, 4))[0], draw(kit, request(kind, 4))[0])
        assert len(tight.nets.resident) == 1


def test_refining_shares_passes_with_drawing(kit: AllKinds) -> None:
    plain = request("full", 1)
    assert isinstance(plain, TextToImage)
    draw(kit, plain, request("refine", 2), request("depth", 3))
    assert most_rows(kit, "denoise") >= 4
    assert torch.is_inference_mode_enabled() is False
