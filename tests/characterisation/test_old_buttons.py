"""Buttons under messages of the past do what they did, whatever revision the database of that day was of."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

from inference.queue.database import open_database
from tests.bot.store import past
from tests.characterisation.flows.old_chats import EVERYTHING
from tests.characterisation.old_database import lay_out
from tests.characterisation.stage import staged
from tests.postgres.cluster import elsewhere

ANNA, VERA = ("Anna", 1001, "en"), ("Вера", 1003, "ru")
PRESSES = (
    *((ANNA, data, 4) for data in ("p:open:1", "j:again:1", "j:recipe:1")),
    *((ANNA, data, 5) for data in ("p:file:2", "o:more:2:0")),
    (ANNA, "h:1001:0:0:open:11", 28),
    (VERA, "s:1003:style:default", 16),
)
OF_DRAFTS = ((ANNA, "m:less:3:0", 45), (ANNA, "a:cell:8:0", 55), (ANNA, "k:start:1", 2))
DRAFTS_SINCE = "0002"
_SPINNER = "  answerCallbackQuery"  # it is stopped early where a press takes long
_NUMBER = re.compile(r"(?<=[#:_-])\d+|(?<=job )\d+")


@pytest.mark.parametrize("revision", past.REVISIONS)
async def test_old_buttons_work(revision: str) -> None:
    presses = (*PRESSES, *OF_DRAFTS) if revision >= DRAFTS_SINCE else PRESSES
    expected = (await answers(past.WRITTEN_AT, (*PRESSES, *OF_DRAFTS)))[: len(presses)]
    assert await answers(revision, presses) == expected


_KNOWN: dict[tuple[str, int], list[list[str]]] = {}


async def answers(revision: str, presses: tuple[tuple[tuple[str, int, str], str, int], ...]) -> list[list[str]]:
    """What is said, shown and drawn at each press, but for the numbers that are given out meanwhile."""
    if (revision, len(presses)) not in _KNOWN:
        _KNOWN[revision, len(presses)] = await _answers(revision, presses)
    return _KNOWN[revision, len(presses)]


async def _answers(revision: str, presses: tuple[tuple[tuple[str, int, str], str, int], ...]) -> list[list[str]]:
    async with staged(partial(lay_out_at, revision)) as stage:
        stage.in_order = True
        stage.house.painter.slots = 1
        stage.hold()
        await stage.open(EVERYTHING)
        await stage.let_go()
        told = []
        for person, data, message in presses:
            stage.lines.clear()
            await stage.person(*person).presses_data(data, under=message)
            told.append([_NUMBER.sub("N", line) for line in stage.lines if not line.startswith(_SPINNER)])
        return told


def lay_out_at(revision: str, folder: Path) -> None:
    """The data folder of that day with a database of this revision in it."""
    lay_out(folder)
    elsewhere(_step(folder / "studio.db", revision))


async def _step(path: Path, revision: str) -> None:
    database = open_database(f"sqlite+aiosqlite:///{path}")
    await past.step(database, revision)
    await database.dispose()
