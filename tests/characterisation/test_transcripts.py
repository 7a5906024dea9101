"""Nothing that people see changes by accident; on purpose, `python -m tests.characterisation --record` notes it."""

from __future__ import annotations

import pytest

from tests.characterisation.flows import FLOWS, transcript_of
from tests.characterisation.pressed import PRESSED, reading_of
from tests.characterisation.recorded import TRANSCRIPTS, difference

# All of them are played by `make transcripts`, which takes minutes.
EACH_TIME = ("a_database_of_the_past_goes_on", "buttons_of_the_past", "every_command_alone", "settings", "the_welcome")


@pytest.mark.parametrize("name", EACH_TIME)
async def test_a_flow_is_as_it_was_recorded(name: str) -> None:
    changed = difference(name, await transcript_of(name))
    assert not changed, changed


def test_every_transcript_belongs_to_a_flow() -> None:
    assert {path.stem for path in TRANSCRIPTS.glob("*.txt")} == set(FLOWS)


def test_what_stands_under_old_messages_is_read_as_it_always_was() -> None:
    lines = PRESSED.read_text("utf-8").splitlines()
    assert len(lines) > 300
    misread = [line for line in lines if reading_of(line.split("\t")[0]) != line.split("\t")[1]]
    assert not misread
