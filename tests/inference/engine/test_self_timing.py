"""An engine that times itself: what it finds out, what it keeps, and that nobody waits for it."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.blobs import BlobMissing
from inference.child import kept_timings, serving
from inference.child.kept_timings import MOST_BASES, MOST_FATAL, MOST_TRIES, KeptTimings, basis_of
from inference.child.self_timing import SMALL_NET, Pictures, SelfTiming
from inference.child.serving import EngineChild
from inference.engine.nets import NetSpec
from inference.engine.policy import device_policy
from inference.families.kandinsky.answers import Guide
from inference.families.kandinsky.conditioning import Context
from inference.queue.foresight import Foresight
from inference.queue.options import WorkerOptions
from inference.queue.timings import Timing, Timings
from inference.queue.transport import Assignment
from inference.queue.wire import Drain, Hello, Report, Submit
from inference.requests import REQUESTS, Ability, Finished, ModelCard, Progress, Started, Texts
from tests.inference.engine.fakes import ArithmeticKit, flash, full

BASIS = "a" * 64
SIDE = 128
CPU = torch.device("cpu")


@dataclass(eq=False)
class SlowKit(ArithmeticKit):
    """Takes seconds by a clock of its own: so many a row and megapixel, a megapixel decoded, and a text."""

    now: float = 0.0
    a_pass: float = 2.0
    developing: float = 30.0
    reading: float = 0.25
    warming: float = 5.0  # the first pass of all takes so much longer
    large: frozenset[str] = frozenset()
    broken: bool = False
    asked: list[str] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def size(self, name: str) -> int:
        return SMALL_NET + 1 if name in self.large else 1

    def contexts(self, asks: Any) -> Any:
        self.asked.append("read")
        self.now += self.reading
        return super().contexts(asks)

    def denoise(self, unet: str, x: Tensor, t: Tensor, context: Context, guide: Guide) -> Tensor:
        self.asked.append(unet)
        self.now += self.a_pass * x.numel() / 4 * 64 / 1e6 + (0.0 if self.passes else self.warming)
        if self.broken:
            raise RuntimeError("a kernel is missing")
        return super().denoise(unet, x, t, context, guide)

    def decode(self, latent: Tensor) -> Tensor:
        self.asked.append("decode")
        self.now += self.developing * latent.numel() / 4 * 64 / 1e6
        return super().decode(latent)


def card_of(*kinds: str, side: int = SIDE) -> ModelCard:
    able = Ability(native_size=(side, side))
    return ModelCard(label=Texts(ru="к", en="k"), abilities=dict.fromkeys(kinds, able))


def nobody(digest: str) -> bytes:
    raise BlobMissing(digest)


def timing_of(kit: SlowKit, path: Path, *kinds: str, **more: Any) -> SelfTiming:
    card = card_of(*(kinds or ("flash", "full")))
    kept = KeptTimings(path, BASIS)
    return SelfTiming([kit], kit.nets, card, Pictures(nobody), kept, clock=kit.clock, **more)


def all_turns(timing: SelfTiming) -> list[str]:
    """Turns until nothing can be timed; what has become known, in order."""
    known: list[str] = []
    for _ in range(500):
        if not timing.pending:
            return known
        if timing.turn():
            known += [kind for kind in timing.timings.kinds if kind not in known]
    raise AssertionError("it never ends")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "timings.json"


def test_passes_developing_and_the_rest_are_told_apart_and_warming_up_is_none_of_them(path: Path) -> None:
    kit = SlowKit()
    timing = timing_of(kit, path)
    assert all_turns(timing) == ["flash", "full"]
    for found in timing.timings.kinds.values():
        assert found.a_pass == pytest.approx(2.0) and found.developing == pytest.approx(30.0)
        assert found.once == pytest.approx(0.25)
    real = flash("a fox", 1, 2, 3, side=256)
    told = Foresight(timing.timings).seconds(real.compatibility_key, real.cost, real.developed)
    assert told == pytest.approx(real.cost * 2.0 + real.developed * 30.0 + 0.25)


def test_a_slow_machine_draws_smaller_pictures_to_time_itself_and_finds_the_same(path: Path) -> None:
    kit = SlowKit()
    card = card_of("flash", side=1024)
    timing = SelfTiming([kit], kit.nets, card, Pictures(nobody), KeptTimings(path, BASIS), smaller=4, clock=kit.clock)
    all_turns(timing)
    assert timing.timings.kinds["flash"].a_pass == pytest.approx(2.0)
    assert kit.now < 20.0, "a whole pass alone would take longer than all of it"


def test_what_was_found_out_is_not_asked_again(path: Path) -> None:
    all_turns(timing_of(SlowKit(), path))
    again = SlowKit()
    timing = timing_of(again, path, "flash", "full", "beautify")
    assert set(timing.timings.kinds) == {"flash", "full"}
    assert all_turns(timing) == [] and again.asked == [], "and a kind without a short request is left alone"


def test_what_is_cut_off_is_begun_anew_and_never_ends_as_a_mixture(path: Path) -> None:
    kit = SlowKit()
    timing = timing_of(kit, path)
    for turns in range(1, 7):
        for _ in range(turns):
            timing.turn()
        timing.cut_off()
        assert not timing.begun and timing.pending
    assert all_turns(timing) == ["flash", "full"]
    assert timing.timings.kinds["flash"].a_pass == pytest.approx(2.0)


def test_no_large_net_is_read_for_it_but_one_that_a_job_has_brought_is_timed(path: Path) -> None:
    kit = SlowKit(away=frozenset({"full"}), large=frozenset({"full"}))
    timing = timing_of(kit, path)
    assert all_turns(timing) == ["flash"] and "full" not in kit.asked and not timing.pending
    kit.away = frozenset()
    assert timing.pending and all_turns(timing)[-1:] == ["full"]
    assert set(timing.timings.kinds) == {"flash", "full"}


def test_a_kind_that_fails_is_left_alone_and_the_others_are_timed(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kit = SlowKit(broken=True)
    timing = timing_of(kit, path, "flash", "refine")  # a RuntimeError of the one, a source that is no picture here
    assert all_turns(timing) == [] and "how fast flash is" in caplog.text
    kit.broken = False
    assert all_turns(timing_of(kit, path, "flash")) == ["flash"]


def test_a_kind_that_has_killed_the_engine_three_times_is_not_tried_a_fourth(path: Path) -> None:
    for _ in range(MOST_TRIES):
        kit = SlowKit()
        timing = timing_of(kit, path, "flash")
        timing.turn()
        assert timing.begun  # and then the process is gone
    dead = SlowKit()
    assert all_turns(timing_of(dead, path, "flash")) == [] and dead.asked == []
    assert all_turns(timing_of(dead, path, "full")) == ["full"]


def test_who_is_told_to_end_in_the_middle_of_it_tries_again_however_often(path: Path) -> None:
    for _ in range(MOST_TRIES + 1):
        timing = timing_of(SlowKit(), path, "flash")
        timing.turn()
        assert timing.begun
        timing.close()
        timing.turn()  # its own thread goes on to the last
    before = path.read_bytes()
    broken = timing_of(SlowKit(broken=True), path, "flash")
    all_turns(broken)
    broken.close()
    assert path.read_bytes() != before, "one that failed by itself was a try"
    assert all_turns(timing_of(SlowKit(), path, "flash")) == ["flash"]


def test_a_device_that_survives_no_kind_is_not_killed_by_each_of_them(path: Path) -> None:
    kinds = ("flash", "full", "refine", "inpaint", "mix")
    deaths = 0
    while True:
        timing = timing_of(SlowKit(), path, *kinds)
        while timing.pending and not timing.begun:
            timing.turn()
        if not timing.begun:
            break
        deaths += 1
        assert deaths < 20
    assert deaths == MOST_FATAL * MOST_TRIES


# The file


SEVEN = Timing(a_pass=7.0, developing=7.0, once=7.0)


def test_another_basis_knows_nothing_and_takes_nothing_away(path: Path) -> None:
    for basis in (BASIS, "b" * 64):
        kept = KeptTimings(path, basis)
        assert kept.timings == Timings(basis=basis)
        kept.learn("flash", SEVEN)
    assert KeptTimings(path, BASIS).timings.kinds == {"flash": SEVEN}
    for number in range(MOST_BASES):
        KeptTimings(path, f"{number:064x}").learn("flash", SEVEN)
    assert KeptTimings(path, BASIS).timings.kinds == {}, "the one that was not used for longest is forgotten"
    assert path.stat().st_size < kept_timings.MOST_BYTES


def test_two_processes_on_one_file_keep_each_other_s(path: Path) -> None:
    one, other = KeptTimings(path, BASIS), KeptTimings(path, "b" * 64)
    one.learn("flash", SEVEN)
    other.learn("full", SEVEN)
    one.learn("x2", SEVEN)
    assert set(KeptTimings(path, BASIS).timings.kinds) == {"flash", "x2"}
    assert set(KeptTimings(path, "b" * 64).timings.kinds) == {"full"}


def test_two_processes_on_one_basis_share_what_they_find_out(path: Path) -> None:
    kits = SlowKit(), SlowKit()
    one, other = (timing_of(kit, path) for kit in kits)
    while "flash" not in one.timings.kinds:
        one.turn()
    assert all_turns(other)[-1:] == ["full"]
    all_turns(one)
    assert "full" not in kits[0].asked and set(one.timings.kinds) == {"flash", "full"}
    assert set(KeptTimings(path, BASIS).timings.kinds) == {"flash", "full"}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def _number(value: str) -> bytes:
    kinds = f'{{"flash":{{"a_pass":{value},"developing":1,"once":1}}}}'
    return f'{{"bases":[{{"timings":{{"basis":"{BASIS}","kinds":{kinds}}},"tries":{{}}}}]}}'.encode()


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "half": _number("1")[:40],
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "huge": b" " * (kept_timings.MOST_BYTES + 1),
    "negative": _number("-1"),
    "not a number": _number("NaN"),
    "endless": _number("1e999"),
    "words": _number('"fast"'),
    "another form": b'{"bases":7}',
    "more": b'{"bases":[],"colour":"red"}',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_none_of_ours_counts_as_empty_and_is_written_anew(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    kept = KeptTimings(path, BASIS)
    assert kept.timings.kinds == {}
    kept.learn("flash", SEVEN)
    assert KeptTimings(path, BASIS).timings.kinds == {"flash": SEVEN}


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(_number("1"))
    path.symlink_to(path.parent / "elsewhere")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [_pipe, _link, _folder])
def test_what_is_no_plain_file_is_neither_followed_nor_waited_for(path: Path, make: Callable[[Path], None]) -> None:
    path.parent.mkdir()
    make(path)
    kept = KeptTimings(path, BASIS)
    assert kept.timings.kinds == {}
    kept.learn("flash", SEVEN)
    assert kept.timings.kinds == {"flash": SEVEN}
    if make is _link:
        assert (path.parent / "elsewhere").read_bytes() == _number("1")


def test_where_nothing_can_be_written_it_is_known_as_long_as_the_process_lives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    kept = KeptTimings(tmp_path / "file" / "timings.json", BASIS)
    kept.learn("flash", SEVEN)
    assert kept.timings.kinds == {"flash": SEVEN} and "cannot be kept" in caplog.text


def test_a_write_that_fails_half_way_leaves_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    KeptTimings(path, BASIS).learn("flash", SEVEN)
    before = path.read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    KeptTimings(path, BASIS).learn("full", SEVEN)
    assert path.read_bytes() == before and [one.name for one in path.parent.iterdir()] == [path.name]


def test_other_weights_formats_programs_and_sizes_are_another_basis(monkeypatch: pytest.MonkeyPatch) -> None:
    def spec(**changed: Any) -> NetSpec:
        fields = {"name": "flash", "bytes": 5, "load": nobody, "device": CPU, "dtype": torch.float32}
        return NetSpec(**{**fields, **changed})

    def basis(nets: Iterable[NetSpec] = (spec(),), revision: str = "abc", code: str = "1", smaller: int = 1) -> str:
        return basis_of(CPU, nets, {"flash": revision}, code, smaller)

    others = [
        basis([spec(dtype=torch.bfloat16)]),
        basis([spec(bytes=6)]),
        basis([spec(), spec(name="full")]),
        basis(revision="abd"),
        basis(code="2"),
        basis(smaller=4),
    ]
    plain = basis()
    for name, value in (("__version__", "9.9"), ("get_num_threads", lambda: 77)):
        with monkeypatch.context() as patch:
            patch.setattr(torch, name, value)
            others.append(basis())
    with monkeypatch.context() as patch:
        patch.setattr(kept_timings, "_driver", lambda: "NVRM version: 999")
        others.append(basis())
    assert plain == basis() and len({plain, *others}) == len(others) + 1


# Within the engine's process


class Line:
    """The parent's end. What it sends is there at once; what it has said last is read when the engine asks."""

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.said: list[Any] = []
        self.before_exit: Callable[[], None] = lambda: None
        self.on_hello: Callable[[Hello], None] = lambda hello: None
        self.on_event: Callable[[int, Any], None] = lambda job_id, event: None

    def send(self, message: Any) -> None:
        self.said.append(message)
        if isinstance(message, Hello):
            self.on_hello(message)
        elif isinstance(message, Report):
            self.on_event(message.report.job_id, message.report.event)

    def hellos(self) -> list[Hello]:
        return [message for message in self.said if isinstance(message, Hello)]


def child(line: Line, folder: Path, tmp_path: Path) -> tuple[EngineChild, ModelCard]:
    options = WorkerOptions(
        device="cpu", blobs_url=str(tmp_path / "blobs"), weights_dir=folder, timings_file=tmp_path / "timings.json"
    )
    return EngineChild(line, options, device_policy("cpu")), card_of("flash", "full", side=64)


def test_an_idle_engine_times_itself_says_so_and_the_next_one_knows_it_from_its_first_word(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "QUIET_SECONDS", 0.01)
    line = Line()

    def enough(hello: Hello) -> None:
        if hello.timings is not None and len(hello.timings.kinds) == 2:
            line.inbox.put(Drain(grace_seconds=0.0))

    line.on_hello = enough
    engine, card = child(line, tiny_folder, tmp_path)
    engine.run(4, card)
    told = [hello.timings.kinds if hello.timings else None for hello in line.hellos()]
    assert [list(kinds or ()) for kinds in told] == [[], ["flash"], ["flash", "full"]]
    assert all(hello.card == card and hello.slots == 4 for hello in line.hellos())
    another = Line()
    another.on_hello = lambda hello: another.inbox.put(Drain(grace_seconds=0.0))
    engine, card = child(another, tiny_folder, tmp_path)
    engine.run(4, card)
    (first,) = another.hellos()
    assert first.timings == line.hellos()[-1].timings
    assert not any(isinstance(message, Report) for message in (*line.said, *another.said)), "nobody is told of it"
    assert not [one for one in (tmp_path / "blobs").rglob("*") if one.is_file()], "and nothing is stored"


def test_a_job_that_comes_is_drawn_before_the_timing_goes_on(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "QUIET_SECONDS", 0.01)
    line, order = Line(), []
    engine, card = child(line, tiny_folder, tmp_path)
    turn, turns = SelfTiming.turn, iter(range(1000))

    def watched(timing: SelfTiming) -> bool:
        order.append("timing")
        if next(turns) == 3:
            line.inbox.put(Submit(assignment=Assignment(job_id=1, request=flash("a fox", 1))))
        return turn(timing)

    def heard(job_id: int, event: Any) -> None:
        if isinstance(event, Started | Finished):
            order.append(event.type)

    def enough(hello: Hello) -> None:
        if hello.timings is not None and len(hello.timings.kinds) == 2:
            line.inbox.put(Drain(grace_seconds=0.0))

    monkeypatch.setattr(SelfTiming, "turn", watched)
    line.on_event, line.on_hello = heard, enough
    engine.run(4, card)
    assert line.before_exit.__name__ == "close", "so that an end in the middle is no try"
    assert order[:6] == ["timing"] * 4 + ["started", "finished"]
    assert "timing" in order[6:] and set(line.hellos()[-1].timings.kinds) == {"flash", "full"}


def test_who_waits_for_weights_is_told_when_they_are_there(tiny_folder: Path, tmp_path: Path) -> None:
    line = Line()
    engine, _ = child(line, tiny_folder, tmp_path)
    line.on_event = lambda job_id, event: line.inbox.put(Drain(grace_seconds=9.0)) if event.type == "started" else None
    line.inbox.put(Submit(assignment=Assignment(job_id=1, request=full("a fox", 1, steps=2))))
    engine.run(4, None)  # without a card nothing is loaded beforehand
    stages = [
        message.report.event.stage
        for message in line.said
        if isinstance(message, Report) and isinstance(message.report.event, Progress)
    ]
    assert stages[0] == "loading" and {"encoding", "drawing"} < set(stages) and stages[-1] != "loading"
    assert all("loading" not in (told, then) or told != then for told, then in pairwise(stages)), (
        "each comes to its end"
    )


# Of every kind


@pytest.mark.parametrize("size", [(64, 64), (128, 128), (1024, 1024), (1152, 896), (256, 256)], ids=str)
@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_that_draws_has_a_short_request_of_one_picture(kind: str, size: tuple[int, int]) -> None:
    request = REQUESTS[kind].shortest(kind, Pictures(nobody).ground(size, kind, 0))
    if request is None:
        assert kind in ("beautify", "translate", "sheet"), "a sheet is as long as its pictures"
        return
    assert request.kind == kind and len(request.seeds) == 1 and request.windows <= 2
    assert request.passes <= 5 and request.cost > 0 and request.developed > 0
    assert type(request).model_validate_json(request.model_dump_json()) == request
