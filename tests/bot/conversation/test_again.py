"""An update that is handled a second time, because a crash came before the first was noted, changes nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from bot.store.inbox import Changes, InboxRows
from inference.queue.database import open_database
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_pictures_in import BLUE, RED, encoded, offers, says, send
from tests.bot.conversation.test_repaint import PHOTO
from tests.bot.conversation.test_repaint import encoded as filed
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until

Deed = Callable[[Person], Awaitable[None]]


async def left(house: House) -> int:
    return int((await told(house, "select count(*) from inbox where handled_at is null"))[0][0])


async def told(house: House, query: str) -> list[Any]:
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    async with database.connect() as connection:
        rows = [tuple(row) for row in await connection.execute(text(query))]
    await database.dispose()
    return rows


def seen(message: Message) -> tuple[Any, ...]:
    return message["id"], message["text"] or message["caption"], buttons(message), message["deleted"]


async def state(house: House, person: Person) -> list[Any]:
    """What the person sees and what the bot remembers of them."""
    return [
        *[seen(message) for message in await person.messages()],
        *await told(house, "select id, update_id, state, message_id from jobs"),
        *await told(house, "select id, kind, message_id, body, closed_at is null from drafts"),
        *await told(house, "select id, starred_at is null, deleted_at is null from pictures"),
        *await told(house, "select count(*) from uploads"),
    ]


@asynccontextmanager
async def a_crash_after(house: House, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """What is done inside is handled to its end, but nobody has written down that it was."""
    write = InboxRows.write

    async def forgetful(self: InboxRows, changes: Changes) -> None:
        changes.handled.clear()
        await write(self, changes)

    with patch.context() as within:
        within.setattr(InboxRows, "write", forgetful)
        yield
        await house.close()
    assert await left(house)


async def quiet(house: House, person: Person) -> list[Any]:
    """The state when no update is in hand, every request has been shown, and nothing has changed for a while."""
    before: list[Any] = []
    while True:
        busy = any(task.get_name().startswith("update ") for task in asyncio.all_tasks())
        busy = busy or bool(await told(house, "select id from jobs where shown_at is null"))
        now = await state(house, person)
        if now == before and not busy:
            return now
        before = now
        await asyncio.sleep(0.3)


async def handled_again(house: House, person: Person, patch: pytest.MonkeyPatch, deed: Deed) -> None:
    """Does the deed with a crash after it, and asks whether the next start leaves everything as it is."""
    async with a_crash_after(house, patch):
        await deed(person)
        once = await quiet(house, person)
    card, house.painter = house.painter.card, house.new_painter()
    house.painter.card = card
    await house.open()

    async def handled() -> bool:
        return not await left(house)

    await until(handled)
    twice = await quiet(house, person)
    assert twice == once


async def drawn(anna: Person) -> Message:
    return await anna.draw("a red circle --n 2")


async def test_a_star_stays_a_star(every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = await drawn(anna)
    await handled_again(every_mode, anna, monkeypatch, lambda anna: pressed(anna, grid, "☆"))
    assert await told(every_mode, "select count(*) from pictures where starred_at is not null") == [(2,)]


async def test_a_star_in_the_history_stays_a_star(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drawn(anna)
    await anna.say("/history")
    page = await anna.until(says("Your pictures"))
    await anna.press(page, "1")
    opened = await anna.until(offers("☆"), after=page["id"] - 1)
    await handled_again(every_mode, anna, monkeypatch, lambda anna: pressed(anna, opened, "☆"))
    assert await told(every_mode, "select count(*) from pictures where starred_at is not null") == [(1,)]


async def test_a_picture_out_of_a_grid_comes_once(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = await drawn(anna)

    async def take_out(anna: Person) -> None:
        await pressed(anna, grid, "1")
        await anna.until(is_result, after=grid["id"])

    await handled_again(every_mode, anna, monkeypatch, take_out)


@pytest.mark.parametrize(("opened", "tapped"), [("🎭 Style", "Anime"), ("⬆ 1", "💎 Quality")])
async def test_what_a_tap_has_drawn_is_not_pointed_to_as_if_it_had_been_there(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch, opened: str, tapped: str
) -> None:
    grid = await drawn(anna)
    await anna.press(grid, opened)
    chooser = await anna.until(offers(tapped))
    newest = max(int(one["id"]) for one in await anna.messages())

    async def tap(anna: Person) -> None:
        await pressed(anna, chooser, tapped)
        await anna.until(is_result, after=newest)

    await handled_again(every_mode, anna, monkeypatch, tap)


async def test_originals_come_once(every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = await drawn(anna)

    async def files(anna: Person) -> None:
        await pressed(anna, grid, "Files")
        await anna.until(lambda message: bool(message["document"]), after=grid["id"])

    await handled_again(every_mode, anna, monkeypatch, files)


async def test_the_question_what_long_work_may_cost_comes_once(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(anna: Person) -> None:
        await send(anna, encoded(RED, (1600, 1600)), caption="/upscale 4K")
        await anna.until(offers("Start"))

    await handled_again(every_mode, anna, monkeypatch, ask)


async def test_the_question_what_long_work_may_cost_does_not_come_again_with_a_redelivery(
    every_mode: House, anna: Person
) -> None:
    photo = await send(anna, encoded(RED, (1600, 1600)), caption="/upscale 4K")
    await anna.until(offers("Start"))
    update = max(it.id for box in every_mode.playground.world.mailboxes.values() for it in box.history)
    await anna.post("redeliver", {"update_id": update})
    await anna.say("/help")
    await anna.until(says("/imagine"))
    questions = [message for message in await anna.messages() if offers("Start")(message)]
    assert len(questions) == 1
    assert questions[0]["reply_to"] == photo["id"]


async def test_work_whose_cost_was_unknown_when_it_was_asked_for_is_ordered_once(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask_and_accept(anna: Person) -> None:
        await send(anna, encoded(RED, (1600, 1600)), caption="/upscale 4K")
        question = await anna.until(offers("Start"))
        await pressed(anna, question, "Start")
        await anna.until(is_result, after=question["id"])

    await handled_again(every_mode, anna, monkeypatch, ask_and_accept)


async def test_a_yes_to_long_work_orders_it_once(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(anna, encoded(RED, (1600, 1600)), caption="/upscale 4K")
    question = await anna.until(offers("Start"))

    async def accept(anna: Person) -> None:
        await pressed(anna, question, "Start")
        await anna.until(is_result, after=question["id"])

    await handled_again(every_mode, anna, monkeypatch, accept)


@pytest.mark.parametrize("button", ["Swap", "➕", "Start"])
async def test_the_buttons_of_a_mix_do_their_work_once(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch, button: str
) -> None:
    await send(anna, encoded(RED), encoded(BLUE))
    mix = await anna.until(offers("Start"))
    await anna.press(mix, "➕")
    mix = await anna.until(lambda message: any("60 %" in name for name in buttons(message)))
    await handled_again(every_mode, anna, monkeypatch, lambda anna: pressed(anna, mix, button))


@pytest.mark.parametrize("before", [1, 3])
async def test_a_photo_goes_into_a_mix_once(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    await anna.say("/mix")
    mix = await anna.until(says("so far"))
    for count in range(before):
        await send(anna, encoded((count * 60, 90, 30)))
        await anna.until(says(f"{count + 1} picture"), after=mix["id"] - 1)

    async def one_more(anna: Person) -> None:
        await send(anna, encoded(BLUE))
        await anna.until(says("2 pictures" if before == 1 else "How much of each"), after=mix["id"] - 1)

    await handled_again(every_mode, anna, monkeypatch, one_more)


@pytest.mark.both_ways
async def test_an_album_is_mixed_once(every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    async def album(anna: Person) -> None:
        await send(anna, encoded(RED), encoded(BLUE), encoded(BLUE, (128, 128)))
        await anna.until(offers("Start"))

    await handled_again(every_mode, anna, monkeypatch, album)


async def marking(anna: Person) -> Message:
    await send(anna, filed(PHOTO))
    await anna.press(await anna.until(offers("Repaint")), "Repaint")
    return await anna.until(says("Which part"))


async def test_a_square_is_marked_once_and_an_area_grows_once(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = await marking(anna)
    await handled_again(every_mode, anna, monkeypatch, lambda anna: pressed(anna, area, "▫️"))
    area = await anna.until(offers("✅"))
    await handled_again(every_mode, anna, monkeypatch, lambda anna: pressed(anna, area, "Bigger"))
    assert '"steps": 1' in (await told(every_mode, "select body from drafts"))[0][0]


async def test_words_for_an_area_order_once_and_are_not_drawn_as_if_they_were_all(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = await marking(anna)
    await anna.press(area, "▫️")
    area = await anna.until(offers("✅"))

    async def words(anna: Person) -> None:
        await anna.say("a red circle --n 1", reply_to=area["id"])
        await anna.until(is_result, after=area["id"])

    await handled_again(every_mode, anna, monkeypatch, words)


async def test_a_named_side_moves_the_question_once_and_it_keeps_its_buttons(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = await marking(anna)

    async def side(anna: Person) -> None:
        await anna.say("top left", reply_to=area["id"])
        await anna.until(offers("✅"), after=area["id"])

    await handled_again(every_mode, anna, monkeypatch, side)
    assert offers("✅")((await anna.messages())[-1])


async def test_a_question_for_words_comes_once_and_its_answer_is_still_understood(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(anna, encoded(RED))
    menu = await anna.until(offers("Outlines"))

    async def ask(anna: Person) -> None:
        await pressed(anna, menu, "Outlines")
        await anna.until(says("What shall it become"))

    await handled_again(every_mode, anna, monkeypatch, ask)
    asked = await anna.until(says("What shall it become"))
    await anna.say("a glass house --n 1", reply_to=asked["id"])
    await anna.until(is_result)


async def test_cancelling_says_twice_the_same_and_takes_nothing_newer_with_it(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_mode.painter.hold = "circle"
    every_mode.painter.gate.clear()
    await anna.say("a red circle --n 1")
    await anna.until(offers("❌"))

    async def cancel(anna: Person) -> None:
        await anna.say("/cancel")
        await anna.until(says("Cancelled 1 request."))

    await handled_again(every_mode, anna, monkeypatch, cancel)


@pytest.mark.parametrize(
    "said", ["/help", "/start", "/settings", "/queue", "/info", "/tree", "/styles", "hello /", "x"]
)
async def test_words_are_answered_once(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    async def say(anna: Person) -> None:
        await anna.say(said)
        await anna.until(lambda message: said != "x" or is_result(message))

    await handled_again(every_mode, anna, monkeypatch, say)


async def pressed(person: Person, message: Message, button: str) -> None:
    async with asyncio.timeout(30):
        await person.press(message, button)


async def test_a_bot_that_dies_between_a_message_and_its_answer_answers_after_its_start(
    house: House, anna: Person
) -> None:
    """Telegram asks for patience while /help is answered; the bot is gone before that is over."""
    await anna.post("faults", {"method": "sendMessage", "status": 429, "retry_after": 30, "count": 1})
    await anna.say("/help")

    async def refused() -> bool:
        return any(call["method"] == "sendMessage" for call in (await anna.get("calls?limit=50"))["calls"])

    await until(refused)
    await house.reopen()
    await anna.until(says("/imagine"))


@pytest.mark.parametrize("number", ["²", "٣", "9" * 4000, "-1"])
async def test_a_number_that_is_none_of_ours_is_an_answer_and_no_error(
    every_mode: House, anna: Person, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    grid = await drawn(anna)
    for command in ("/tree", "/vary"):
        asked = await anna.say(f"{command} {number}"[:4096], reply_to=grid["id"])
        await anna.until(lambda message: True, after=asked["message"]["id"])
    assert "Traceback" not in caplog.text
