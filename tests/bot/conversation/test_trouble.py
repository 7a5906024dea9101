"""Telegram refusing, people leaving, the bot stopping: every accepted job still ends in something its person sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.jobs.follow import Follower
from inference.queue.database import open_database, reading
from inference.queue.jobs import Job
from inference.queue.ledger import Ledger
from inference.queue.tables import jobs
from tests.bot.conversation.conftest import TOKEN, House
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until, within


def drawing(message: Message) -> bool:
    return "░" in (message["caption"] or message["text"] or "")


async def trouble(person: Person, method: str, count: int | None = None, **fields: Any) -> None:
    await person.post("faults", {"method": method, "count": count, **fields})


async def peace(person: Person) -> None:
    async with person.session.delete(f"{person.url}/sim/faults") as response:
        assert response.status == 200


async def in_state(house: House, *states: str) -> int:
    """How many jobs of the studio are in one of these states."""
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    try:
        async with reading(database).connect() as connection:
            query = select(func.count()).select_from(jobs).where(jobs.c.state.in_(states))
            return int(await connection.scalar(query) or 0)
    finally:
        await database.dispose()


async def until_state(house: House, *states: str) -> None:
    await until(lambda: in_state(house, *states), f"no job became {states}")


async def test_a_result_whose_message_is_gone_is_sent_anew_to_the_request(house: House, anna: Person) -> None:
    house.painter.gate.clear()
    asked = (await anna.say("a red circle"))["message"]
    status = await anna.until(drawing)
    deletion = f"{anna.url}/bot{TOKEN}/deleteMessage?chat_id={anna.id}&message_id={status['id']}"
    async with anna.session.get(deletion) as response:
        assert response.status == 200
    house.painter.gate.set()
    grid = await anna.until(is_result)
    assert grid["id"] > status["id"]
    assert grid["reply_to"] == asked["id"]
    await anna.press(grid, "⬆ 1")
    await anna.until(lambda message: "📄 File" in str(message["buttons"]))


async def test_a_storm_of_refusals_delays_the_result_and_loses_nothing(house: House, anna: Person) -> None:
    await trouble(anna, "editMessageMedia", count=6, status=502)
    await trouble(anna, "editMessageText", count=3, status=429, retry_after=1)
    grid = await anna.draw("a red circle")
    assert len([message for message in await anna.messages() if message["from"]["is_bot"]]) == 1
    assert is_result(grid)


async def test_an_answer_lost_after_the_edit_leads_to_one_grid(house: House, anna: Person) -> None:
    await trouble(anna, "editMessageMedia", count=2, drop=True, when="after")
    await anna.draw("a red circle")
    await until_state(house, "done")
    assert sum(is_result(message) for message in await anna.messages()) == 1


async def test_a_grid_that_telegram_calls_unchanged_is_remembered_like_any_other(house: House, anna: Person) -> None:
    house.options["previews"] = False
    await house.reopen()
    unchanged = "Bad Request: message is not modified"
    await trouble(anna, "editMessageMedia", count=1, status=400, description=unchanged, when="after")
    grid = await anna.draw("a red circle")
    await until_state(house, "done")
    await anna.press(grid, "⬆ 2")
    await anna.until(lambda message: "⬆ 2 ✓" in buttons(message))


async def test_a_request_that_could_not_be_confirmed_is_drawn_when_telegram_is_back(house: House, anna: Person) -> None:
    await trouble(anna, "sendMessage", count=5, status=500)
    grid = await anna.draw("a red circle")
    assert grid["reply_to"] is not None
    assert len(house.painter.submitted) == 1


async def test_nobody_draws_for_a_person_who_has_blocked_the_bot(house: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001), named(1002)
    house.painter.gate.clear()
    house.painter.slots = 1
    for words in ("a red circle", "a blue cat"):
        await anna.say(words)
    await anna.until(drawing)
    await boris.say("a green circle")
    await anna.post("user", {"id": 1001, "blocked": True})
    house.painter.hold = "blue"
    await boris.until(is_result)
    await until_state(house, "cancelled")
    assert await in_state(house, "new", "queued", "sent", "running") == 0
    house.painter.gate.set()
    await anna.post("user", {"id": 1001, "blocked": False})
    assert is_result(await anna.draw("a red cat"))


async def test_what_telegram_did_not_take_is_shown_after_a_restart_in_the_old_message(
    house: House, anna: Person
) -> None:
    await trouble(anna, "editMessageMedia", status=500)
    asked = (await anna.say("a red circle"))["message"]
    await until_state(house, "done")
    await house.close()
    await peace(anna)
    house.painter = house.new_painter()
    await house.open()
    grid = await anna.until(is_result)
    assert grid["id"] == asked["id"] + 1
    assert house.painter.submitted == []


async def test_a_request_without_a_status_message_gets_one_after_a_restart(house: House, anna: Person) -> None:
    await trouble(anna, "sendMessage", status=500)
    await anna.say("a red circle")
    await until_state(house, "new")
    await house.close()
    await peace(anna)
    house.painter = house.new_painter()
    await house.open()
    await anna.until(is_result)
    assert (
        len([message for message in await anna.messages() if message["from"]["is_bot"] and not message["deleted"]]) == 1
    )
    assert len(house.painter.submitted) == 1


async def test_a_status_message_sent_just_before_a_crash_is_used_after_it(house: House, anna: Person) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    async def stand_still(*_told: object) -> None:
        reached.set()
        await never.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "announce", stand_still)
        await anna.say("a red circle")
        status = await anna.until(lambda message: "Cancel" in str(message["buttons"]))
        await reached.wait()
        await house.close()
    house.painter = house.new_painter()
    await house.open()
    assert (await anna.until(is_result))["id"] == status["id"]


async def test_what_an_error_of_our_own_keeps_from_the_line_is_given_up_and_holds_no_place(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_told: object) -> None:
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr(Ledger, "announce", broken)
    monkeypatch.setattr("bot.jobs.insisting.LONGEST_PAUSE", 0.02)
    await anna.say("a red circle")
    card = await anna.until(lambda message: "broke on our side" in (message["text"] or ""))
    assert card["id"] == 2, "the message that said it was taken says what became of it"
    assert await in_state(house, "new", "queued") == 0
    assert await in_state(house, "failed") == 1


async def test_waiting_people_read_that_their_request_is_safe_after_a_restart(house: House, anna: Person) -> None:
    house.painter.gate.clear()
    await anna.say("a red circle")
    status = await anna.until(drawing)
    await house.close()
    house.painter = house.new_painter()
    house.painter.slots = 0
    house.painter.gate.clear()
    await house.open()
    safe = await anna.until(lambda message: "Your request is safe" in (message["caption"] or message["text"] or ""))
    assert safe["id"] == status["id"]
    house.painter.slots = 1
    house.painter.gate.set()
    assert (await anna.until(is_result))["id"] == status["id"]


async def test_who_is_refused_reads_so_even_where_the_first_word_of_it_gets_lost(
    every_mode: House, anna: Person
) -> None:
    house = every_mode
    grid = await anna.draw("a red circle")
    house.painter.slots = 0
    for _request in range(3):
        await anna.say("a blue cat")

    async def all_wait() -> bool:
        return await in_state(house, "queued") == 3

    await until(all_wait)
    await trouble(anna, "sendMessage", count=2, drop=True)
    await anna.press(grid, "Again")  # answered before it is ordered, so that a refusal is a message
    refusal = await anna.until(lambda message: "3 requests waiting" in (message["text"] or ""))
    assert refusal["reply_to"] == grid["id"]


async def nothing_unshown(ledger: Ledger) -> bool:
    return not await ledger.unshown()


async def waiting_over_a_restart(house: House, anna: Person) -> Message:
    """The status message of a request that waits, as the next life of the bot will find it."""
    house.painter.slots = 0
    await anna.say("a red circle")
    status = await anna.until(lambda message: "Cancel" in str(message["buttons"]))
    await until_state(house, "queued")
    await house.close()
    house.painter = house.new_painter()
    return status


def errands(*kinds: str) -> set[asyncio.Task[None]]:
    """What is being brought to somebody: "resume" that there was a restart, "bring" the end of a request."""
    return {task for task in asyncio.all_tasks() if task.get_name().split(" job ")[0] in kinds}


async def until_nothing_is_brought() -> None:
    await until(lambda: not errands("resume", "bring"))


async def test_a_word_about_the_restart_that_arrives_late_does_not_cover_the_result(house: House, anna: Person) -> None:
    status = await waiting_over_a_restart(house, anna)
    house.painter.slots = 0
    await trouble(anna, "editMessageText", count=1, delay=60)
    await house.open()
    await until(lambda: not house.playground.bots.faults.faults)  # it is held up on its way
    house.painter.slots = 1
    await until(lambda: errands("bring"))
    await within(1.0, lambda: not errands("bring"))  # the result has every chance to overtake it
    await peace(anna)
    await until_nothing_is_brought()
    assert is_result(await anna.message(status["id"]))


async def test_a_request_that_ends_while_the_restart_is_looked_into_is_no_longer_waited_for(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = await waiting_over_a_restart(house, anna)
    active, looked = Ledger.active, list[list[Job]]()

    async def slow(ledger: Ledger, *owner: int) -> list[Job]:
        found = await active(ledger, *owner)
        if not owner and not looked:
            looked.append(found)
            await until_state(house, "done")
            await until(lambda: nothing_unshown(ledger))
        return found

    monkeypatch.setattr(Ledger, "active", slow)
    await house.open()
    assert looked
    await until_nothing_is_brought()
    assert is_result(await anna.message(status["id"]))


async def test_a_result_telegram_takes_in_no_form_ends_in_words_not_in_silence(house: House, anna: Person) -> None:
    for method in ("editMessageMedia", "sendPhoto", "sendDocument", "sendMediaGroup"):
        await trouble(anna, method, status=400, description="Bad Request: IMAGE_PROCESS_FAILED")
    await anna.say("a red circle")
    card = await anna.until(lambda message: "broke on our side" in (message["text"] or message["caption"] or ""))
    assert "#1" in (card["text"] or card["caption"])
    await until_state(house, "done")


async def test_a_stop_waits_for_no_pause_between_two_tries(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Follower.close

    async def patient(self: Follower, _grace: float) -> None:
        await close(self, 600.0)

    monkeypatch.setattr(Follower, "close", patient)
    await trouble(anna, "editMessageMedia", status=502)
    await anna.say("a red circle --n 1")
    await until_state(house, "done")
    async with asyncio.timeout(100):
        await house.close()
    await peace(anna)
    await house.open()
    await anna.until(is_result)
