"""Somebody changes their mind while it is drawn: the press is heard at once, and what is ready is not lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_again import told
from tests.bot.conversation.test_pictures_in import says
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until

GROUP = -700


def is_drawn(message: Message) -> bool:
    return "░" in (message["caption"] or "")


async def drawing(house: House, person: Person, words: str = "a red circle --n 4", *, whole: int) -> Message:
    """The status message of a job that is being drawn and stays so, with so many pictures ready."""
    house.painter.gate.clear()
    house.painter.whole = whole
    await person.say(words)
    return await person.until(is_drawn)


async def by_button(person: Person, status: Message) -> None:
    assert (await person.press(status, "❌"))["answer"]["text"] in ("Cancelling…", "Отменяю…")


async def by_command(person: Person, status: Message) -> None:
    await person.say("/cancel")
    await person.until(says("Cancelled 1 request."), after=status["id"])


async def by_reply(person: Person, status: Message) -> None:
    await person.say("/cancel", reply_to=status["id"])
    await person.until(says("Cancelled 1 request."), after=status["id"])


async def by_the_list(person: Person, status: Message) -> None:
    await person.say("/queue")
    listed = await person.until(lambda message: "❌ 🎨 · a red circle" in buttons(message), after=status["id"])
    await person.press(listed, "❌ 🎨")


@pytest.mark.parametrize("cancel", [by_button, by_command, by_reply, by_the_list])
async def test_the_pictures_that_are_ready_stay_however_it_is_cancelled(
    house: House, anna: Person, cancel: Callable[[Person, Message], Awaitable[None]]
) -> None:
    status = await drawing(house, anna, whole=2)
    await cancel(anna, status)
    grid = await anna.until(is_result)
    assert grid["id"] == status["id"], "where the noise was"
    assert grid["caption"].startswith("⏹ Stopped: 2 of 4 were ready.\n") and "a red circle" in grid["caption"]
    assert {"⬆ 1", "⬆ 2", "🔄 Again"} <= {*buttons(grid)} and "⬆ 3" not in buttons(grid)
    assert [row[0] for row in await told(house, "select tile from pictures order by tile")] == [0, 1]
    assert await told(house, "select state from jobs") == [("cancelled",)]


async def test_their_recipe_is_that_of_these_and_repeats_them(house: House, anna: Person) -> None:
    status = await drawing(house, anna, "a red circle --n 4 --seed 7", whole=2)
    await by_button(anna, status)
    grid = await anna.until(is_result)
    house.painter.gate.set()
    await anna.press(grid, "Recipe")
    recipe = await anna.until(says("Seeds: 7, 8"), after=grid["id"])
    assert "Seeds: 7, 8\n" in recipe["text"], "and no others"
    await anna.press(recipe, "Repeat exactly")
    twins = await anna.until(is_result, after=recipe["id"])
    assert "Stopped" not in twins["caption"] and house.painter.submitted[-1].request.seeds == (7, 8)
    pairs = await told(house, "select count(distinct blob), count(*) from pictures")
    assert pairs == [(4, 4)], "each with a recipe of its own"
    await anna.press(grid, "Again")
    await anna.until(is_result, after=twins["id"])
    assert len(house.painter.submitted[-1].request.seeds) == 4, "as many as were asked for"


async def test_the_only_one_that_is_ready_stands_by_itself(house: House, anna: Person) -> None:
    status = await drawing(house, anna, whole=1)
    await by_button(anna, status)
    single = await anna.until(is_result)
    assert single["caption"].startswith("⏹ Stopped: 1 of 4 was ready.")
    assert {"📄 File", "🔄 Again", "✏️ Edit"} <= {*buttons(single)} and "⬆ 1" not in buttons(single)
    await anna.press(single, "☆")
    starred = await anna.until(lambda message: message["id"] == single["id"] and "⭐" in buttons(message))
    assert "🔄 Again" in buttons(starred)


async def test_in_russian_and_in_a_group_what_was_through_is_shown(house: House, named: Callable[..., Person]) -> None:
    boris = named(1002, "ru", GROUP)
    status = await drawing(house, boris, "/imagine красный кот", whole=1)
    await by_button(boris, status)
    single = await boris.until(is_result)
    assert single["caption"].startswith("⏹ Картинка была готова раньше, чем я остановился.")


async def test_where_nothing_is_ready_it_is_cancelled_and_the_noise_goes(house: House, anna: Person) -> None:
    status = await drawing(house, anna, whole=0)
    await by_button(anna, status)
    ended = await anna.until(lambda message: "Cancelled." in (message["text"] or ""))
    assert buttons(ended) == ["🔄 Try again", "✏️ Edit"]

    async def gone() -> bool:
        return bool((await anna.message(status["id"]))["deleted"])

    await until(gone, "half a picture is left in the chat")


async def test_a_worker_that_takes_its_time_is_waited_for_and_the_card_says_so(house: House, anna: Person) -> None:
    house.painter.deaf, house.painter.slots, house.painter.hold = True, 1, "circle"
    status = await drawing(house, anna, whole=3)
    await by_button(anna, status)
    card = await anna.until(lambda message: message["id"] == status["id"] and "Stopping." in (message["caption"] or ""))
    assert buttons(card) == []
    await anna.say("/queue")
    listed = await anna.until(says("Stopping."), after=status["id"])
    assert "a red circle" in listed["text"] and buttons(listed) == []
    for answered in (None, status["id"]):
        said = (await anna.say("/cancel", **({"reply_to": answered} if answered else {})))["message"]
        await anna.until(says("Stopping. What is ready stays."), after=said["id"])
    house.painter.slots, house.painter.hold = 0, ""
    waiting = (await anna.say("a green circle"))["message"]
    await anna.until(says("a green circle"), after=waiting["id"])
    await anna.say("/cancel")
    await anna.until(says("Cancelled 1 request."), after=waiting["id"])
    house.painter.slots, house.painter.hold = 1, "circle"
    await anna.say("a blue cat --n 1")
    await anna.until(is_result, after=listed["id"])  # its slot and its turn are free while it has not ended
    house.painter.gate.set()
    grid = await anna.until(lambda message: message["id"] == status["id"] and is_result(message))
    assert grid["caption"].startswith("⏹ All 4 were ready before I could stop.")


async def test_a_cancel_while_the_result_is_on_its_way_leaves_one_result(house: House, anna: Person) -> None:
    for number in range(4):
        house.painter.gate.clear()
        asked = (await anna.say(f"a red circle --n 2 --seed {number}"))["message"]
        status = await anna.until(is_drawn, after=asked["id"])
        if number % 2:
            house.painter.gate.set()
        pressing = asyncio.create_task(anna.press(status, "❌"))
        if number % 2 == 0:
            house.painter.gate.set()
        with contextlib.suppress(AssertionError):  # the button is gone: the result has been quicker
            await pressing
        await anna.until(lambda message, asked=asked: message["id"] > asked["id"] and not is_drawn(message))
        await until(lambda number=number: ended(house, number + 1))
        after = [message for message in await anna.messages() if message["id"] > asked["id"] and not message["deleted"]]
        assert len([message for message in after if is_result(message)]) <= 1
        assert not [message for message in after if "❌ Cancel" in buttons(message)]


async def ended(house: House, jobs: int) -> bool:
    """Whether so many jobs have ended and all have been shown."""
    rows = await told(house, "select state, shown_at is not null from jobs")
    return len(rows) == jobs and all(state in ("done", "cancelled") and shown for state, shown in rows)
