"""Whose turn it is, what is told, and what happens when something goes wrong."""

import io
import itertools

import pytest
import torch
from PIL import Image
from torch import Tensor

from inference.engine.loop import PATIENCE, Drawn, Engine
from inference.requests import Failed, Note, Progress
from tests.inference.engine.fakes import ArithmeticKit, engine_of, finish, flash, full, pictures


class Clock:
    """A clock that moves by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def order_of_ends(engine: Engine) -> list[int]:
    ended = []
    while len(engine):
        ended += [job_id for job_id, event in engine.turn() if isinstance(event, Drawn)]
    return ended


def test_a_draft_overtakes_a_long_picture_that_began_earlier() -> None:
    engine = engine_of(ArithmeticKit())
    engine.add(1, full(steps=50))
    for _ in range(10):
        engine.turn()
    engine.add(2, flash())
    assert order_of_ends(engine) == [2, 1]


def test_a_long_picture_goes_on_under_a_stream_of_drafts() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    engine.add(0, full(steps=5))
    drafts, ended = 0, False
    for _ in range(200):
        if len(engine) < 3:
            drafts += 1
            engine.add(drafts, flash("x" * drafts, side=128))
        ended |= any(job_id == 0 and isinstance(event, Drawn) for job_id, event in engine.turn())
    assert ended and drafts > 5


def test_a_run_whose_net_is_moved_out_waits_longer_but_not_for_ever() -> None:
    kit = ArithmeticKit(away=frozenset({"full"}))
    engine = engine_of(kit)
    engine.add(0, full(steps=50))
    engine.turn()  # its words
    turns = 0
    while not any(mode == "full" for mode, _ in kit.passes):
        turns += 1
        if len(engine) < 2:
            engine.add(turns, flash(side=128))
        engine.turn()
        assert turns < 100
    assert turns > PATIENCE


def test_jobs_of_one_net_and_size_share_a_pass_at_their_own_timesteps() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    engine.add(1, flash("one", 1))
    engine.turn()
    engine.turn()
    engine.add(2, flash("another one", 2, 3))
    engine.turn()  # the words of the newcomer
    engine.turn()
    assert kit.passes[-1] == ("flash", [729, 979, 979])


def test_other_sizes_and_other_nets_do_not_share() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    engine.add(1, flash("one", 1))
    engine.add(2, flash("two", 2, side=128))
    engine.add(3, full("three", 3, steps=4))
    finish(engine)
    assert {(mode, len(times)) for mode, times in kit.passes} == {("flash", 1), ("full", 2)}
    assert all(len(set(times)) == 1 for _, times in kit.passes)


def test_words_of_several_jobs_are_encoded_in_one_go() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    for job_id in range(3):
        engine.add(job_id, flash(f"fox {job_id}"))
    engine.turn()
    assert len(kit.encoded) == 1 and len(kit.encoded[0]) == 3


def test_a_pass_never_has_more_rows_than_allowed() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit, max_rows=4)
    for job_id in range(5):
        engine.add(job_id, full("fox", job_id, 10 + job_id, 20 + job_id, steps=3))
    finish(engine)
    assert max(len(times) for _, times in kit.passes) <= 4


def test_without_guidance_the_unconditional_half_is_not_computed() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    engine.add(1, full("fox", 1, 2, steps=4, guidance_scale=0, negative_prompt="blurry"))
    finish(engine)
    assert {len(times) for _, times in kit.passes} == {2}
    assert len(kit.encoded[0]) == 1


def test_cancel_ends_a_run_before_its_next_step_and_others_do_not_notice() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    engine.add(1, flash("mine", 1))
    expected = pictures(finish(engine)[1])
    engine.add(1, flash("mine", 1))
    engine.add(2, flash("theirs", 2))
    for _ in range(3):
        engine.turn()
    assert len(kit.passes[-1][1]) == 2
    assert engine.cancel(2)
    told = finish(engine)
    assert len(kit.passes[-1][1]) == 1
    assert 2 not in told
    assert torch.equal(pictures(told[1]), expected)


def test_cancelling_a_job_that_is_not_there_is_no_error() -> None:
    engine = engine_of(ArithmeticKit())
    assert not engine.cancel(7)
    assert engine.turn() == []


def test_adding_a_job_twice_draws_it_once() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    engine.add(1, flash())
    engine.turn()
    engine.add(1, flash())
    finish(engine)
    assert len(kit.passes) == 4


def test_progress_counts_every_step_once_up_to_the_last() -> None:
    engine = engine_of(ArithmeticKit())
    engine.add(1, full("fox", 1, 2, steps=64))  # the published rule makes 63 steps of 64
    events = finish(engine)[1]
    told = [event for event in events if isinstance(event, Progress)]
    assert [event.step for event in told] == list(range(1, 66))
    assert {event.of for event in told} == {66}
    assert [event.stage for event in told] == ["encoding", *["drawing"] * 63, "decoding"]


def test_previews_are_small_pictures_and_come_at_most_once_a_second() -> None:
    clock = Clock()
    engine = engine_of(ArithmeticKit(), clock=clock)
    engine.add(1, full("fox", 1, 2, 3, steps=50, side=128))
    seen: list[float] = []
    while len(engine):
        clock.now += 0.3
        for _, event in engine.turn():
            if isinstance(event, Progress) and event.preview:
                seen.append(clock.now)
                image = Image.open(io.BytesIO(event.preview))
                assert image.format == "JPEG" and image.size == (256, 256)
    assert len(seen) > 5
    assert min(after - before for before, after in itertools.pairwise(seen)) >= 1.0


def test_a_quick_job_bothers_nobody_with_previews() -> None:
    engine = engine_of(ArithmeticKit(), clock=Clock())
    engine.add(1, flash())
    assert not any(isinstance(event, Progress) and event.preview for event in finish(engine)[1])


def test_a_preview_that_does_not_fit_costs_only_itself() -> None:
    class Blind(ArithmeticKit):
        def colours(self, x0: Tensor) -> Tensor | None:
            raise torch.OutOfMemoryError("full")

    clock = Clock()
    engine = engine_of(Blind(), clock=clock)
    engine.add(1, full(steps=5))
    ended = False
    while len(engine):
        clock.now += 2
        for _, event in engine.turn():
            assert not (isinstance(event, Progress) and event.preview)
            ended |= isinstance(event, Drawn)
    assert ended


def fail_on(value: float, error: Exception):  # type: ignore[no-untyped-def]
    """Trouble for every pass in which some row begins with `value`."""

    def trouble(mode: str, x: Tensor) -> None:
        if (x[:, 0, 0, 0] == value).any():
            raise error

    return trouble


def first_number(request: object) -> float:
    """The number by which a pass can tell the first step of this request."""
    kit, seen = ArithmeticKit(), []
    kit.trouble = lambda mode, x: seen.append(x[0, 0, 0, 0].item())
    engine = engine_of(kit)
    engine.add(1, request)
    finish(engine)
    return seen[0]


def test_a_failing_row_takes_only_its_own_job_along() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    engine.add(1, flash("good", 1))
    expected = pictures(finish(engine)[1])
    kit.trouble = fail_on(first_number(flash("bad", 2)), RuntimeError("a bad row"))
    engine.add(1, flash("good", 1))
    engine.add(2, flash("bad", 2))
    told = finish(engine)
    assert told[2][-1] == Failed(code="internal", message="RuntimeError: a bad row")
    assert torch.equal(pictures(told[1]), expected)


def test_what_does_not_fit_is_tried_once_more_row_by_row_and_says_so() -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    engine.add(1, full("fox", 1, 2, steps=4))
    expected = pictures(finish(engine)[1])
    kit.passes.clear()

    def at_most_one(mode: str, x: Tensor) -> None:
        if len(x) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    kit.trouble = at_most_one
    engine.add(1, full("fox", 1, 2, steps=4))
    told = finish(engine)
    drawn = told[1][-1]
    assert isinstance(drawn, Drawn) and drawn.drawing.notes == (Note(code="leaner_retry"),)
    assert {len(times) for _, times in kit.passes} == {1}
    assert kit.moved_out == 1
    torch.testing.assert_close(pictures(told[1]), expected, atol=1, rtol=0)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("full"),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.07 GB, other allocations: 8.00 KB)"),
    ],
)
def test_what_never_fits_fails_alone_and_the_engine_lives_on(error: Exception) -> None:
    kit = ArithmeticKit()
    engine = engine_of(kit)
    kit.trouble = fail_on(first_number(flash("huge", 9)), error)
    engine.add(1, flash("huge", 9))
    engine.add(2, flash("small", 2))
    told = finish(engine)
    failed = told[1][-1]
    assert isinstance(failed, Failed) and failed.code == "out_of_memory"
    assert isinstance(told[2][-1], Drawn) and told[2][-1].drawing.notes == ()


def test_jobs_that_do_not_fit_together_learn_to_go_apart() -> None:
    kit = ArithmeticKit()
    attempts: list[int] = []

    def at_most_two(mode: str, x: Tensor) -> None:
        attempts.append(len(x))
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    kit.trouble = at_most_two
    engine = engine_of(kit)
    engine.add(1, flash("one", 1, 2))
    engine.add(2, flash("two", 3, 4))
    told = finish(engine)
    assert attempts.count(4) == 1
    assert all(isinstance(told[job_id][-1], Drawn) and told[job_id][-1].drawing.notes == () for job_id in (1, 2))  # type: ignore[attr-defined]


def test_an_unreadable_prompt_fails_its_own_job_only() -> None:
    class Picky(ArithmeticKit):
        def tokenize(self, text: str):  # type: ignore[no-untyped-def]
            if text == "bad":
                raise ValueError("no such letters")
            return super().tokenize(text)

    engine = engine_of(Picky())
    engine.add(1, flash("bad"))
    engine.add(2, flash("good"))
    told = finish(engine)
    assert isinstance(told[1][-1], Failed) and isinstance(told[2][-1], Drawn)


def test_engine_seconds_are_shared_by_those_who_shared_the_passes() -> None:
    clock = Clock()
    kit = ArithmeticKit()

    def takes_a_second(mode: str, x: Tensor) -> None:
        clock.now += 1

    kit.trouble = takes_a_second
    engine = engine_of(kit, clock=clock)
    engine.add(1, flash("one", 1))
    engine.add(2, flash("two", 2, 3, 4))
    told = finish(engine)
    seconds = [told[job_id][-1].engine_seconds for job_id in (1, 2)]  # type: ignore[attr-defined]
    assert seconds == pytest.approx([1.0, 3.0])
