"""A kill or a lost answer between sending a message and writing it down: it is found again, or does no harm."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from PIL import Image

from bot.store import History
from bot.store.sendings import Sendings
from inference.queue.database import open_database
from inference.queue.ledger import Ledger
from tests.bot.conversation.conftest import TOKEN, House
from tests.bot.conversation.test_trouble import drawing, trouble, until_state
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until


def live(message: Message) -> bool:
    return "❌ Cancel" in buttons(message)


def says(words: str) -> Callable[[Message], bool]:
    return lambda message: words in (message["caption"] or message["text"] or "")


async def of_bot(person: Person) -> list[Message]:
    return [m for m in await person.messages() if m["from"]["is_bot"] and not m["deleted"]]


class Killed(BaseException):
    """As `kill -9`: nothing that handles errors sees it."""


def kill_before_writing_down(patch: pytest.MonkeyPatch, kind: str) -> list[int]:
    """From now on no post of this kind is written down: the bot dies of a status, of others only the handler. Returns
    what was lost."""
    lost: list[int] = []
    add_post = History.add_post

    async def killed(history: History, chat_id: int, message_id: int, **fields: Any) -> None:
        if fields["kind"] == kind:
            lost.append(message_id)
            raise Killed if kind == "status" else RuntimeError("the power went off")
        await add_post(history, chat_id, message_id, **fields)

    patch.setattr(History, "add_post", killed)
    return lost


async def cancelled_meanwhile(house: House) -> None:
    """As by a press that comes before the bot has taken its work up again."""
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    ledger = Ledger(database)
    for job in await ledger.active():
        assert job.message_id is None
        assert await ledger.cancel(job.id) == "cancelled"
    await database.dispose()


async def turn_into_photo(person: Person, message: Message) -> None:
    """As an edit with a preview does; the buttons stay."""
    form = aiohttp.FormData({"chat_id": str(person.id), "message_id": str(message["id"])})
    form.add_field("media", json.dumps({"type": "photo", "media": "attach://preview", "caption": "Drawing"}))
    form.add_field("reply_markup", json.dumps({"inline_keyboard": keyboard_of(message)}))
    form.add_field("preview", jpeg(), filename="preview.jpg")
    async with person.session.post(f"{person.url}/bot{TOKEN}/editMessageMedia", data=form) as response:
        assert response.status == 200, await response.text()


def keyboard_of(message: Message) -> list[list[dict[str, str]]]:
    return [[{"text": key["text"], "callback_data": key["data"]} for key in row] for row in message["buttons"]]


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG")
    return buffer.getvalue()


async def until_shown(house: House) -> None:
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    ledger = Ledger(database)

    async def all_shown() -> bool:
        return not await ledger.unshown()

    await until(all_shown)
    await database.dispose()


async def orphaned(house: House, anna: Person, monkeypatch: pytest.MonkeyPatch, *, findable: bool) -> Message:
    """A status message that was sent and not written down, after a restart that has announced its job (again)."""
    house.painter.slots = 0
    with pytest.MonkeyPatch.context() as patch:
        lost = kill_before_writing_down(patch, "status")
        await anna.say("a red circle")
        await anna.until(live)
        await until(lambda: lost)
        await house.close()
    if not findable:

        async def nowhere(*_where: Any) -> None:
            return None

        monkeypatch.setattr(Sendings, "likeliest", nowhere)
    house.painter = house.new_painter()
    house.painter.slots = 0
    await house.open()
    return await anna.message(lost[0])


async def test_a_status_message_sent_just_before_a_kill_is_found_and_goes_on(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = await orphaned(house, anna, monkeypatch, findable=True)
    house.painter.slots = 2
    assert (await anna.until(is_result))["id"] == status["id"]
    assert not [message for message in await of_bot(anna) if live(message)], "no second one was left"


async def test_a_press_on_a_status_message_that_is_not_the_jobs_own_only_points_to_the_real_one(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = await orphaned(house, anna, monkeypatch, findable=False)
    real = await anna.until(live, after=orphan["id"])
    await until_state(house, "queued")
    answer = (await anna.press(orphan, "Cancel"))["answer"]
    assert "another message" in answer["text"]
    pointer = await anna.until(says("Your request is here"))
    assert pointer["reply_to"] == real["id"]
    rewritten = await anna.message(orphan["id"])
    assert not rewritten["buttons"] and "goes on in another message" in rewritten["text"]
    house.painter.slots = 2
    assert (await anna.until(is_result))["id"] == real["id"], "nothing was cancelled"
    assert len(house.painter.submitted) == 1


async def test_a_press_on_a_leftover_of_a_job_that_has_ended_says_so(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = await orphaned(house, anna, monkeypatch, findable=False)
    house.painter.slots = 2
    await anna.until(is_result)
    await anna.press(orphan, "Queue")
    await anna.until(says("has ended, in another message"))
    assert not (await anna.message(orphan["id"]))["buttons"]


async def test_a_leftover_that_has_become_a_preview_is_rewritten_as_well(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = await orphaned(house, anna, monkeypatch, findable=False)
    await turn_into_photo(anna, orphan)
    await anna.press(orphan, "Cancel")
    rewritten = await anna.until(says("goes on in another message"))
    assert rewritten["id"] == orphan["id"] and rewritten["photo"] and not rewritten["buttons"]


@pytest.mark.parametrize("lost", ["status", "announcement"])
async def test_a_request_cancelled_just_after_a_kill_ends_in_the_message_that_was_there(
    house: House, anna: Person, lost: str
) -> None:
    house.painter.slots = 0
    with pytest.MonkeyPatch.context() as patch:
        there: list[int] = []
        if lost == "status":
            there = kill_before_writing_down(patch, "status")
        else:

            async def killed(_ledger: Ledger, _job_id: int, message_id: int) -> None:
                there.append(message_id)
                raise Killed

            patch.setattr(Ledger, "announce", killed)
        await anna.say("a red circle")
        status = await anna.until(live)
        await until(lambda: there)
        await house.close()
    await cancelled_meanwhile(house)
    house.painter = house.new_painter()
    await house.open()
    await until_shown(house)
    assert says("Cancelled")(await anna.message(status["id"]))
    assert not [message for message in await of_bot(anna) if live(message)]


async def test_the_list_of_queue_still_cancels(house: House, anna: Person) -> None:
    house.painter.slots = 0
    await anna.say("a red circle")
    await anna.until(live)
    await anna.say("/queue")
    listed = await anna.until(lambda message: any("red circle" in name for name in buttons(message)))
    await anna.press(listed, "red circle")
    await until_state(house, "cancelled")


async def test_a_status_whose_answer_got_lost_is_not_sent_twice(house: House, anna: Person) -> None:
    await trouble(anna, "sendMessage", count=1, drop=True, when="after")
    asked = (await anna.say("a red circle"))["message"]
    grid = await anna.until(is_result)
    assert grid["id"] == asked["id"] + 1
    assert [message["id"] for message in await of_bot(anna)] == [grid["id"]]


async def test_what_stands_where_the_status_could_be_is_left_alone(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The send never got through, and somebody else's words have the id that it would have had."""
    house.painter.slots = 0
    with pytest.MonkeyPatch.context() as patch:

        async def killed(*_arguments: Any, **_fields: Any) -> None:
            raise Killed

        await trouble(anna, "sendMessage", count=1, drop=True)
        patch.setattr("bot.jobs.follow.Follower._announce_until_done", killed)
        await anna.say("a red circle")
        await until_state(house, "new")
        await house.close()
    words = (await anna.say("a blue cat"))["message"]
    house.painter = house.new_painter()
    await house.open()
    await anna.results(2)
    assert (await anna.message(words["id"]))["text"] == "a blue cat"
    assert not [message for message in await of_bot(anna) if not is_result(message)], "nothing else is left"


async def test_an_opened_picture_that_was_sent_just_before_a_kill_is_not_sent_again(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    with pytest.MonkeyPatch.context() as patch:
        lost = kill_before_writing_down(patch, "single")
        await anna.press(grid, "⬆ 1")
        await anna.until(lambda message: "📄 File" in str(message["buttons"]))
        await anna.until(says("went wrong"))
        await house.close()
    house.painter = house.new_painter()
    await house.open()
    await anna.press(await anna.message(grid["id"]), "⬆ 1")
    await anna.until(lambda message: "⬆ 1 ✓" in buttons(message))
    await anna.until(says("Picture 1 is here"))
    opened = [message for message in await of_bot(anna) if "📄 File" in buttons(message)]
    assert [message["id"] for message in opened] == lost


async def test_files_that_were_sent_just_before_a_kill_are_not_sent_again(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle")
    with pytest.MonkeyPatch.context() as patch:
        kill_before_writing_down(patch, "file")
        await anna.press(grid, "Files")
        await anna.until(says("went wrong"))
        await house.close()
    house.painter = house.new_painter()
    await house.open()
    await anna.press(await anna.message(grid["id"]), "Files")
    await anna.until(says("The original is here"))
    assert len([message for message in await of_bot(anna) if message["document"]]) == 4


async def test_a_result_sent_anew_just_before_a_kill_is_not_sent_again(house: House, anna: Person) -> None:
    house.painter.gate.clear()
    await anna.say("a red circle")
    status = await anna.until(drawing)
    async with anna.session.get(
        f"{anna.url}/bot{TOKEN}/deleteMessage?chat_id={anna.id}&message_id={status['id']}"
    ) as response:
        assert response.status == 200
    with pytest.MonkeyPatch.context() as patch:

        async def killed(*_arguments: Any) -> None:
            raise RuntimeError("the power went off")

        patch.setattr(Ledger, "move_message", killed)
        house.painter.gate.set()
        await anna.until(is_result)
        await house.close()
    house.painter = house.new_painter()
    await house.open()
    grid = await anna.until(is_result)
    await until_shown(house)
    await anna.press(grid, "⬆ 2")
    await anna.until(lambda message: "⬆ 2 ✓" in buttons(message))
    assert len([m for m in await anna.messages() if is_result(m) and not m["deleted"] and "⬆" in str(buttons(m))]) == 1
