"""More requests at once than there is room for: one card tells of the rest, keeps it, and takes it at a tap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio

from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_again import a_crash_after, left, told
from tests.bot.conversation.test_pictures_in import offers, says
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until


@pytest_asyncio.fixture
async def small(closed_house: House) -> House:
    """A house that draws one picture at a time and keeps two waiting for one person; the gate is shut."""
    closed_house.options |= {"waiting_per_person": 2}
    closed_house.painter.slots = 1
    closed_house.painter.gate.clear()
    await closed_house.open()
    return closed_house


async def asks(house: House, person: Person, *numbers: int) -> None:
    """Asks for so many pictures, one after the other, and begins with the first of all."""
    for number in numbers:
        await person.say(f"/imagine circle {number} --n 1")
        if not house.painter.submitted:
            await until(lambda: house.painter.submitted)


def prompts(house: House) -> list[str]:
    return [job.request.words for job in house.painter.submitted]


async def cards(person: Person) -> list[Message]:
    return [message for message in await person.messages() if offers("Take (")(message) and not message["deleted"]]


@pytest.mark.both_ways
async def test_thirty_at_once_get_one_refusal_that_counts_and_one_tap_takes_the_rest(
    small: House, anna: Person
) -> None:
    await asks(small, anna, *range(1, 4))
    await asyncio.gather(*(anna.say(f"circle {number} --n 1") for number in range(4, 31)))
    card = await anna.until(offers("Take (27)"))
    assert "You have 2 requests waiting already" in card["text"] and "Put aside: 27 requests" in card["text"]
    assert [message["id"] for message in await cards(anna)] == [card["id"]]
    alert = (await anna.press(card, "Take"))["answer"]
    assert alert["alert"] and "2 requests waiting already" in alert["text"]
    small.painter.gate.set()
    before, card = card, await anna.until(says("There is room again. Shall I take the 27 requests"))
    drawn = [message["id"] for message in await anna.messages() if is_result(message)]
    assert len(drawn) == 3 and max(drawn) < card["id"], "below all that has come of the burst"
    await until(lambda: anna.is_gone(before))
    small.painter.gate.clear()
    pressed = await asyncio.gather(anna.press(card, "Take"), anna.press(card, "Take"))
    assert any("in line" in (press["answer"] or {})["text"] for press in pressed)
    await anna.until(lambda message: message["id"] == card["id"] and not offers("Take (27)")(message))
    small.painter.gate.set()

    async def all_taken() -> bool:
        for shown in await cards(anna):
            with suppress(AssertionError):  # it has just moved to the bottom of the chat
                await anna.press(shown, "Take")
        return not await cards(anna)

    await until(all_taken)
    await anna.results(30)
    assert sorted(prompts(small)) == sorted(f"circle {number}" for number in range(1, 31))
    results = [message for message in await anna.messages() if is_result(message)]
    assert len({message["reply_to"] for message in results}) == 30  # each answers the message that has asked for it


async def test_what_cannot_be_kept_is_counted_and_what_was_kept_can_be_forgotten(
    small: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.jobs.kept.MOST_KEPT", 2)
    await asks(small, anna, *range(1, 8))
    card = await anna.until(says("2 more I could not even keep"))
    assert "Take (2)" in str(buttons(card))
    changed = next(message for message in await anna.messages() if message["text"] == "/imagine circle 5 --n 1")
    fields = {"user": anna.id, "chat": anna.chat_id, "message_id": changed["id"]}
    await anna.post("edit", {**fields, "text": "/imagine a cat --n 1"})
    await anna.say("/cancel")
    await anna.until(says("Cancelled 3 requests"))
    assert buttons(await anna.message(card["id"])) == []
    await asks(small, anna, *range(11, 16))
    again = await anna.until(offers("Take (2)"), after=card["id"])
    await anna.press(again, "Never mind")
    await anna.until(lambda message: message["id"] == again["id"] and not buttons(message))
    small.painter.gate.set()
    await anna.results(3)
    assert prompts(small) == ["circle 1", "circle 11", "circle 12", "circle 13"]


async def test_in_a_group_everybody_has_a_card_of_their_own(small: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001, "en", -77), named(1002, "en", -77)
    await asks(small, anna, *range(1, 6))
    await asks(small, boris, *range(21, 24))
    hers, his = await anna.until(offers("Take (2)")), await anna.until(offers("Take (1)"))
    refused: dict[str, Any] = (await boris.press(hers, "Take"))["answer"]
    assert refused["alert"] and "somebody else" in refused["text"]
    assert hers["reply_to"] != his["reply_to"]


async def test_a_kill_between_keeping_and_telling_loses_nothing_and_takes_nothing_twice(
    small: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asks(small, anna, 1, 2, 3)
    async with a_crash_after(small, monkeypatch):
        await anna.say("circle 4 --n 1")
        await anna.say("circle 5 --n 1")
        card = await anna.until(offers("Take (2)"))
    painter, small.painter = small.painter, small.new_painter()
    small.painter.card = painter.card
    await small.open()

    async def handled() -> bool:
        return not await left(small)

    await until(handled)
    await anna.results(3)
    await until(lambda: anna.is_gone(card))
    [shown] = await cards(anna)
    assert says("There is room again")(shown) and offers("Take (2)")(shown)
    await anna.press(shown, "Take (2)")
    await anna.results(5)
    assert sorted(prompts(small)) == [f"circle {number}" for number in range(1, 6)]


@pytest.mark.parametrize("room", [False, True])
async def test_what_is_kept_is_drawn_as_its_message_reads_however_late_that_is_changed(
    small: House, anna: Person, monkeypatch: pytest.MonkeyPatch, room: bool
) -> None:
    monkeypatch.setattr("bot.conversation.edited.FRESH_SECONDS", -1)
    await asks(small, anna, *range(1, 5))
    card = await anna.until(offers("Take (1)"))
    if room:
        small.painter.gate.set()
        await anna.results(3)
    kept = next(message for message in await anna.messages() if message["text"] == "/imagine circle 4 --n 1")
    fields = {"user": anna.id, "chat": anna.chat_id, "message_id": kept["id"]}
    await anna.post("edit", {**fields, "text": "/imagine square 4 --n 1"})
    if room:
        await until(lambda: anna.is_gone(card))
    else:
        await until(lambda: told(small, "select id from drafts where body like '%square 4%'"))
        small.painter.gate.set()
        await anna.results(3)
        await anna.press(await anna.until(offers("Take (1)")), "Take")
    await anna.results(4)
    assert prompts(small) == ["circle 1", "circle 2", "circle 3", "square 4"]


async def test_whoever_cancels_all_is_not_asked_about_what_was_put_aside(small: House, anna: Person) -> None:
    await asks(small, anna, *range(1, 5))
    card = await anna.until(offers("Take (1)"))
    await anna.say("/queue")
    await anna.press(await anna.until(offers("Cancel all")), "Cancel all")
    await until(lambda: told(small, "select 1 where (select count(*) from jobs where state = 'cancelled') = 3"))
    forgotten = await anna.until(says("Never mind, then."))
    assert forgotten["id"] == card["id"] and not await cards(anna)
