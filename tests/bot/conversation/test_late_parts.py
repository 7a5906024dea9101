"""Parts of an album that come when the others have been dealt with: a kill in between, or a slow way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

import bot.app as app
from bot.store.inbox import InboxRows
from bot.telegram.albums import Albums
from bot.telegram.inbox import Inbox
from inference.queue.database import open_database
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_again import a_crash_after, told
from tests.bot.conversation.test_pictures_in import BLUE, RED, encoded, offers, says, send
from tests.e2e.chat import Message, Person, is_result
from tests.waiting import until

GREEN = (30, 160, 60)

pytestmark = pytest.mark.both_ways


class Late:
    """State: the parts of albums that have been brought so far; those beyond the `first` wait for `release`."""

    def __init__(self, patch: pytest.MonkeyPatch, *, first: int) -> None:
        self._receive = Inbox.receive
        self._first = first
        self._came = 0
        self._held: list[Any] = []

        async def receive(inbox: Inbox, raws: Iterable[Any]) -> None:
            await self._receive(inbox, [raw for raw in raws if not self._hold(raw)])

        patch.setattr(Inbox, "receive", receive)
        # What comes later than that is late; in earnest it takes a kill.
        patch.setattr(app, "Albums", lambda: Albums(quiet_seconds=0.1, lone_seconds=0.1))

    def _hold(self, raw: Any) -> bool:
        if "media_group_id" not in raw.get("message", {}):
            return False
        self._came += 1
        if self._came > self._first:
            self._held.append(raw)
        return self._came > self._first

    async def leave(self, house: House) -> None:
        """They are written down by a bot that dies before it begins with them."""
        database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
        await InboxRows(database).add({raw["update_id"]: json.dumps(raw) for raw in self._held})
        await database.dispose()

    async def release(self, house: House) -> None:
        assert house.studio is not None and self._held
        await self._receive(house.studio.inbox, self._held)


@pytest.fixture
def late(closed_house: House, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Late:
    return Late(monkeypatch, first=getattr(request, "param", 2))


@pytest.fixture
async def able(late: Late, every_mode: House) -> House:
    return every_mode


def shares(message: Message) -> int:
    return sum(key["data"].startswith("m:less:") for row in message["buttons"] for key in row if key["data"])


async def answers(person: Person) -> list[Message]:
    return [m for m in await person.messages() if m["from"]["is_bot"] and not m["deleted"]]


async def test_a_part_that_comes_late_joins_the_mix_of_the_others(able: House, late: Late, anna: Person) -> None:
    await send(anna, encoded(RED), encoded(BLUE), encoded(GREEN), caption="a fox")
    mix = await anna.until(lambda message: shares(message) == 2)
    await late.release(able)
    whole = await anna.until(lambda message: shares(message) == 3)
    assert whole["id"] == mix["id"] and "a fox" in whole["caption"]
    assert [message["id"] for message in await answers(anna)] == [mix["id"]], "nothing of its own was begun"
    await anna.press(whole, "Start")
    await anna.until(is_result)
    assert len(able.painter.submitted[0].request.images) == 3


@pytest.mark.parametrize("late", [1], indirect=True)
async def test_a_part_that_came_so_late_that_the_first_has_its_menu_makes_a_mix_of_both(
    able: House, late: Late, anna: Person
) -> None:
    await send(anna, encoded(RED), encoded(BLUE), encoded(GREEN), caption="")
    menu = await anna.until(offers("Vary"))
    await late.release(able)
    mix = await anna.until(lambda message: shares(message) == 3, after=menu["id"])
    await anna.press(mix, "Start")
    await anna.until(is_result, after=mix["id"])
    assert len(able.painter.submitted[0].request.images) == 3
    assert [
        draft for draft in await told(able, "select closed_at from drafts where kind = 'alone'") if not draft[0]
    ] == []


async def test_several_late_parts_join_as_far_as_there_is_room(able: House, late: Late, anna: Person) -> None:
    await send(anna, *(encoded((number * 40, 0, 0)) for number in range(6)))
    mix = await anna.until(lambda message: shares(message) == 2)
    await late.release(able)
    whole = await anna.until(says("I took the first four"))
    assert whole["id"] == mix["id"] and shares(whole) == 4


async def test_a_part_that_comes_after_its_mix_was_ordered_is_a_picture_like_any_other(
    able: House, late: Late, anna: Person
) -> None:
    await send(anna, encoded(RED), encoded(BLUE), encoded(GREEN))
    await anna.press(await anna.until(lambda message: shares(message) == 2), "Start")
    await anna.until(is_result)
    await late.release(able)
    await anna.until(offers("Vary"))


async def test_a_part_that_comes_late_in_a_group_joins_without_a_word_to_the_bot(
    able: House, late: Late, anna: Person
) -> None:
    group = Person(anna.session, anna.url, anna.id, anna.language, -7)
    await anna.post("chat", {"chat": -7, "title": "Friends", "privacy": False})
    await send(group, encoded(RED), encoded(BLUE), encoded(GREEN), caption="/mix")
    mix = await group.until(lambda message: shares(message) == 2)
    await late.release(able)
    assert (await group.until(lambda message: shares(message) == 3))["id"] == mix["id"]


@pytest.mark.parametrize("left", [True, False])
async def test_after_a_crash_the_mix_of_an_album_has_all_parts_once(
    able: House, late: Late, anna: Person, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    async with a_crash_after(able, monkeypatch):
        await send(anna, encoded(RED), encoded(BLUE), encoded(GREEN))
        mix = await anna.until(lambda message: shares(message) == 2)
        await until(lambda: told(able, "select 1 from drafts where message_id is not null"))
    card, able.painter = able.painter.card, able.new_painter()
    able.painter.card = card
    if left:
        await late.leave(able)
    await able.open()
    if not left:
        await late.release(able)
    whole = await anna.until(lambda message: shares(message) == 3)
    assert whole["id"] == mix["id"]
    await anna.press(whole, "Start")
    await anna.until(is_result)
    assert len(able.painter.submitted[0].request.images) == 3
