"""A disk that is full for an hour fills no log: one line a minute a cause, the traceback once."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bot.storms import CalmHandler


@dataclass
class Storm:
    log: logging.Logger
    written: io.StringIO
    handler: CalmHandler
    now: float = 0.0

    def fail(self, error: Exception, message: str = "job %d could not be shown", number: int = 1, **more: bool) -> None:
        try:
            raise error
        except type(error):
            self.log.error(message, number, exc_info=True, extra=more)

    @property
    def lines(self) -> list[str]:
        return self.written.getvalue().splitlines()


@pytest.fixture
def storm() -> Iterator[Storm]:
    written = io.StringIO()
    log = logging.Logger("storm")
    handler = CalmHandler(written, clock=lambda: storm.now)
    log.addHandler(handler)
    storm = Storm(log, written, handler)
    yield storm
    handler.close()


def test_an_error_of_every_second_is_one_traceback_and_one_line_a_minute(storm: Storm) -> None:
    for second in range(150):
        storm.now = float(second)
        storm.fail(OSError("disk full"), number=second)
    text = storm.written.getvalue()
    assert text.count("Traceback") == 1
    assert "job 0 could not be shown" in text
    assert [line for line in storm.lines if "times more" in line] == [
        "job 59 could not be shown (OSError: disk full) [59 times more]",
        "job 119 could not be shown (OSError: disk full) [60 times more]",
    ]
    storm.handler.close()
    assert storm.lines[-1] == "job 149 could not be shown (OSError: disk full) [30 times more]"


def test_other_causes_are_written_at_once(storm: Storm) -> None:
    storm.fail(OSError("disk full"))
    storm.fail(ValueError("nonsense"))
    storm.fail(OSError("disk full"), "the picture %d is gone")
    assert storm.written.getvalue().count("Traceback") == 3


def test_a_cause_that_was_quiet_for_a_minute_shows_its_traceback_again(storm: Storm) -> None:
    storm.fail(OSError("disk full"))
    storm.now = 61.0
    storm.log.info("all is well")
    storm.fail(OSError("disk full"))
    assert storm.written.getvalue().count("Traceback") == 2


def test_what_is_no_error_is_always_written(storm: Storm) -> None:
    for number in range(5):
        storm.log.warning("next try in %d s", number)
    assert len(storm.lines) == 5


def test_an_error_whose_number_a_person_was_told_can_always_be_found(storm: Storm) -> None:
    for number in (11, 12, 13):
        storm.fail(OSError("disk full"), "error id %d", number, told=True)
    assert [line for line in storm.lines if line.startswith("error id")] == [f"error id {n}" for n in (11, 12, 13)]
    assert storm.written.getvalue().count("Traceback") == 1


def test_a_hundred_thousand_causes_are_not_all_remembered(storm: Storm) -> None:
    for number in range(1000):
        storm.fail(OSError("disk full"), f"cause {number} of %d")
        storm.fail(OSError("disk full"), f"cause {number} of %d")
    assert len([line for line in storm.lines if "times more" in line]) >= 700
