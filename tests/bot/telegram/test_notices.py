"""What owners are told, how often, and what a restart changes about that: nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from aiogram.exceptions import TelegramForbiddenError, TelegramNetworkError

from bot.telegram.notices import Notices
from bot.telegram.told import MAX_BYTES, MOST_CAUSES, Told
from bot.texts import troubles
from bot.texts.i18n import speaking
from bot.troubles import OWNERS_CAUSES, Cause, OwnersCause
from tests.bot.wire import ScriptedSession, scripted_bot
from tests.inference.queue.conftest import Clock

ANNA, BORIS = 4001, 4002


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def told(file: Path | None, clock: Clock, *causes: OwnersCause, **script: list[Any]) -> list[str]:
    """The words that reach the owners in one life of the program."""
    bot, session = scripted_bot(**script)
    notices = Notices(bot, {ANNA}, told=Told(file, clock=clock))
    for cause in causes:
        notices.tell(cause, "the reason")
    await notices.close()
    return words(session)


def words(session: ScriptedSession) -> list[str]:
    return [call.method.text for call in session.named("sendMessage")]


async def test_each_cause_is_told_once_an_hour_whatever_happens_in_between(clock: Clock) -> None:
    bot, session = scripted_bot()
    notices = Notices(bot, {ANNA, BORIS, -500}, told=Told(clock=clock))
    for _again in range(5):
        notices.tell("disk", "no space left")
        notices.tell("dead", "job 17")
        clock.now += 600
    await asyncio.sleep(0)
    clock.now += 600
    notices.tell("disk", "no space left")
    await notices.close()
    assert sorted(call.method.chat_id for call in session.named("sendMessage")) == [ANNA] * 3 + [BORIS] * 3
    assert sum("no space left" in said for said in words(session)) == 4


async def test_a_program_that_dies_and_starts_again_does_not_repeat_itself(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "notices.json"
    assert len(await told(file, clock, "database", "slow")) == 2
    assert await told(file, clock, "database", "slow") == []
    clock.now += 3500
    assert len(await told(file, clock, "database", "flood")) == 1, "another cause is news"
    clock.now += 200
    assert len(await told(file, clock, "database")) == 1
    assert set(json.loads(file.read_text())) == {"database", "slow", "flood"}


async def test_what_nobody_has_got_for_now_is_told_the_next_time_and_what_nobody_will_get_is_not(
    tmp_path: Path, clock: Clock
) -> None:
    file = tmp_path / "notices.json"

    def away(method: Any) -> TelegramNetworkError:
        error = TelegramNetworkError(method=method, message="timeout")
        error.__cause__ = TimeoutError()
        return error

    def stranger(method: Any) -> TelegramForbiddenError:
        return TelegramForbiddenError(method=method, message="Forbidden: bot can't initiate conversation with a user")

    assert len(await told(file, clock, "engine", sendMessage=[away])) == 1
    assert len(await told(file, clock, "engine", sendMessage=[stranger])) == 1, "it was lost"
    assert await told(file, clock, "engine") == [], "an owner who never wrote to the bot is not tried again and again"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1, 2]",
        b'{"disk": "soon", "dead": true, "slow": null}',
        b"[" * 50_000,
        b"\xff\xfe",
        b"{}" + b" " * MAX_BYTES,
    ],
)
async def test_a_file_that_is_not_ours_is_begun_anew(tmp_path: Path, clock: Clock, content: bytes) -> None:
    file = tmp_path / "notices.json"
    file.write_bytes(content)
    assert len(await told(file, clock, "disk")) == 1
    assert await told(file, clock, "disk") == []


async def test_where_nothing_can_be_written_it_is_told_all_the_same(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("in the way")
    file = tmp_path / "file" / "notices.json"
    bot, session = scripted_bot()
    notices = Notices(bot, {ANNA}, told=Told(file, clock=clock))
    for _again in range(3):
        notices.tell("disk", "no space left")
    await notices.close()
    assert len(words(session)) == 1
    assert len(await told(file, clock, "disk")) == 1, "that was told, but nobody could note it"


def test_a_clock_that_was_set_back_silences_nobody_and_many_causes_find_no_end(tmp_path: Path, clock: Clock) -> None:
    memory = Told(tmp_path / "notices.json", clock=clock)
    memory.note("disk")
    clock.now -= 86_400
    assert not memory.within("disk", 3600)
    for number in range(2 * MOST_CAUSES):
        clock.now += 1
        memory.note(f"cause {number}")
    memory.write()
    assert len(json.loads((tmp_path / "notices.json").read_text())) == MOST_CAUSES
    assert memory.within(f"cause {2 * MOST_CAUSES - 1}", 3600) and not memory.within("cause 0", 3600)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_cause_has_words_of_its_own(language: Any) -> None:
    with speaking(language):
        headings = {cause: troubles.notice(cause, "why").splitlines()[0] for cause in OWNERS_CAUSES}
        assert len(set(headings.values())) == len(OWNERS_CAUSES)
        assert troubles.notice("dead", "<b>")[-1] not in "<>" and "&lt;b&gt;" in troubles.notice("dead", "<b>")
    assert set(get_args(Cause)) < set(OWNERS_CAUSES)
