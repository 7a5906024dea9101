"""What the engine's process stores and writes into recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from inference.blobs import BlobStore, Kept, Stored, patience, read_recipe
from inference.blobs.patience import PatientStore
from inference.child.serving import EngineChild
from inference.engine.asks import Drawing
from inference.engine.loop import Drawn, Stopped
from inference.engine.policy import device_policy
from inference.engine.residency import Residency
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.inventory import nets_used
from inference.queue.options import WorkerOptions
from inference.queue.transport import Assignment, JobEvent
from inference.queue.wire import Cancel, Counted, Hello, Patience, Report, Submit
from inference.requests import Cancelled, Failed, Finished, Look, Note, Sheet, Started, parse_request
from tests.inference.engine.fakes import flash
from tests.inference.engine.kinds import request

BLACK, DARK = (torch.full((64, 64, 3), level, dtype=torch.uint8) for level in (0, 1))
DRAWN = Drawn(Drawing(pictures=(BLACK, DARK)), 1)


class Heard:
    """The parent's end, which only listens."""

    def __init__(self) -> None:
        self.events: list[JobEvent] = []

    def send(self, message: Any) -> None:
        if isinstance(message, Report):
            self.events.append(message.report.event)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def child(tiny_folder: Path, tmp_path: Path, heard: Heard) -> EngineChild:
    options = WorkerOptions(blobs_url=str(tmp_path / "blobs"), weights_dir=tiny_folder)
    return EngineChild(heard, options, device_policy("cpu"))


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


def test_a_job_cancelled_while_its_pictures_are_stored_is_through_and_keeps_them(
    child: EngineChild, heard: Heard, tmp_path: Path
) -> None:
    asked = flash("a fox", 1, 2)
    child._assigned[1] = Assignment(job_id=1, request=asked)
    store = child._store

    def store_and_cancel(*given: Any) -> Any:
        child._obey(Cancel(job_id=1))
        return store(*given)

    child._store = store_and_cancel  # type: ignore[method-assign,assignment]
    child._save(1, asked, DRAWN)
    [finished] = heard.events
    assert isinstance(finished, Finished) and [picture.tile for picture in finished.pictures] == [0, 1]
    assert len(stored(tmp_path)) == 2


def test_what_is_whole_when_a_job_is_stopped_is_stored_with_its_own_recipe(
    child: EngineChild, heard: Heard, tmp_path: Path
) -> None:
    asked = flash("a fox", 1, 2, 3)
    child._assigned[1] = Assignment(job_id=1, request=asked)
    child._save(1, asked, Stopped({1: DARK}, (Note(code="leaner_retry"),), 0.5, 0.75))
    [cancelled] = heard.events
    assert isinstance(cancelled, Cancelled) and (cancelled.done, cancelled.engine_seconds) == (0.75, 0.5)
    [picture] = cancelled.pictures
    assert (picture.tile, picture.recipe.seed, picture.recipe.request) == (1, 2, asked)
    assert [note.code for note in cancelled.notes] == ["leaner_retry"]
    [file] = stored(tmp_path)
    assert read_recipe(file.read_bytes()) == picture.recipe


def test_a_job_that_is_stopped_before_its_first_pass_has_nothing(child: EngineChild, heard: Heard) -> None:
    child._obey(Submit(assignment=Assignment(job_id=1, request=flash("a fox", 1, 2))))
    child._obey(Cancel(job_id=1))
    child._obey(Cancel(job_id=1))
    assert heard.events == [Started(), Cancelled(done=0.0)]


def test_a_kind_that_no_family_draws_fails_its_job_and_not_the_engine(heard: Heard, tmp_path: Path) -> None:
    child = EngineChild(heard, WorkerOptions(blobs_url=str(tmp_path)), device_policy("cpu"), families=())
    child._obey(Submit(assignment=Assignment(job_id=1, request=flash("a fox", 1))))
    assert heard.events == [Started(), Failed(code="internal", message="no family draws FlashTextToImage")]


def test_a_store_that_is_away_for_a_while_costs_no_drawing_and_is_no_hang(
    child: EngineChild, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = BlobStore.take
    tries: list[Kept] = []
    asked_for: list[float] = []
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.001)

    def rough(store: BlobStore, kept: Kept) -> Stored:
        tries.append(kept)
        if len(tries) <= 2:
            raise ConnectionError("the bucket is away")
        return take(store, kept)

    def send(message: Any) -> None:
        if isinstance(message, Patience):
            asked_for.append(message.seconds)
        else:
            listen(message)

    listen = heard.send
    monkeypatch.setattr(heard, "send", send)
    monkeypatch.setattr(BlobStore, "take", rough)
    asked = flash("a fox", 1, 2)
    child._assigned[1] = Assignment(job_id=1, request=asked)
    child._save(1, asked, DRAWN)
    [finished] = heard.events
    assert isinstance(finished, Finished) and len(stored(tmp_path)) == 2
    assert len(tries) == 4 and len(asked_for) == 2 and min(asked_for) > 20, "longer than one try may take"


def test_pictures_that_cannot_be_stored_fail_in_a_way_worth_a_retry(
    child: EngineChild, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(store: BlobStore, kept: Kept) -> Stored:
        raise ConnectionError("the bucket is away")

    monkeypatch.setattr(BlobStore, "take", away)
    child._blobs = PatientStore(BlobStore(str(tmp_path / "blobs")), lambda *_: None, seconds=0.05)
    asked = flash("a fox", 1, 2)
    child._assigned[1] = Assignment(job_id=1, request=asked)
    child._save(1, asked, DRAWN)
    [failed] = heard.events
    assert isinstance(failed, Failed) and failed.retryable and failed.code == "internal"


def test_texts_reach_the_result(child: EngineChild, heard: Heard) -> None:
    child._assigned[1] = Assignment(job_id=1, request=request("beautify"))
    child._save(1, request("beautify"), Drawn(Drawing(texts=("a red fox, soft light",)), 1))
    assert heard.events == [Finished(texts=("a red fox, soft light",), engine_seconds=1)]


def test_the_recipe_of_a_picture_of_a_sheet_is_that_of_its_own_request(child: EngineChild, heard: Heard) -> None:
    asked = Sheet(of=flash("a fox", 7), looks=(Look(), Look(suffix="anime")))
    child._assigned[1] = Assignment(job_id=1, request=asked)
    child._save(1, asked, DRAWN)
    (finished,) = heard.events
    assert isinstance(finished, Finished)
    assert [picture.tile for picture in finished.pictures] == [0, 1]
    assert [picture.recipe.request for picture in finished.pictures] == [asked.alone(0), asked.alone(1)]
    assert {picture.recipe.tile for picture in finished.pictures} == {0}
    assert all(set(picture.recipe.checkpoints) > {"flash"} for picture in finished.pictures)


def test_a_recipe_names_the_nets_that_were_really_used(random_folder: Path) -> None:
    files = Checkpoint.open(random_folder).files
    drawing = {"movq", "text_encoder"}
    mix = {"base", "projection", "ip_adapter", "image_encoder", *drawing}
    expected = {
        "refine": {"base", "projection", *drawing},
        "outpaint": {"inpainting", "projection_inpainting", *drawing},
        "mix": mix,
        "mix_flash": {"flash", "projection_flash", "ip_adapter", "image_encoder", *drawing},
        "hed": {"hed_unet", "hed_detector", *drawing},
        "depth": {"base", "projection", "control_depth", *drawing},
        "scribble": {"control_scribble", "hed_detector", *mix},
        "x4": {"superres_x4"},
        "flash_x2": {"superres_flash_x2", "flash", "projection_flash", *drawing},
    }
    for kind, nets in expected.items():
        assert set(nets_used(files, request(kind))) == nets, kind
    assert set(nets_used(files, request("flash_x2", refine=False))) == {"superres_flash_x2"}
    assert "hed_detector" not in nets_used(files, request("hed", drawn=True))


def test_a_huge_picture_may_take_longer_and_others_may_not() -> None:
    options = WorkerOptions(job_timeout_minutes=10)
    digest = "0" * 64

    def upscale(side: int) -> Any:
        return parse_request({"kind": "x4", "image": {"blob": digest, "width": side, "height": side}, "seeds": [1]})

    assert options.seconds_for(flash("a fox", *range(10))) == 600
    assert options.seconds_for(upscale(1024)) == 600
    assert options.seconds_for(upscale(2000)) == 2400


def test_figures_that_nobody_can_hear_any_more_are_no_fault(
    child: EngineChild, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    def send(message: Any) -> None:
        told.append(message)
        raise BrokenPipeError("the parent has gone")

    monkeypatch.setattr(heard, "send", send)
    child._counting.tell()
    assert [type(message) for message in told] == [Counted]


def test_before_it_is_ready_it_has_said_which_nets_are_at_hand_and_it_says_so_when_that_changes(
    child: EngineChild, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(heard, "send", told.append, raising=False)
    monkeypatch.setattr(child, "_listen", lambda: False)
    monkeypatch.setattr(Residency, "loading", lambda self, name: float(name not in self.resident))
    child.run(1, child._families[0].offer(child._options, None))
    counted, hello = told[-2:]
    assert isinstance(counted, Counted) and isinstance(hello, Hello)
    assert counted.loading == dict.fromkeys(("flash", "full", "refine"), 0.0)
    child._nets.make_room()
    child._nets.require("full")
    child._counting.tell()
    assert told[-1].loading == {"flash": 3.0, "full": 2.0, "refine": 2.0}
