"""A chat that does not take what belongs there: it goes where it can, whoever asked learns why, and nothing is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_trouble import errands, in_state, peace, trouble, until_state
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until

GROUP = -500
NO_PHOTOS = [
    (400, "Bad Request: not enough rights to send photos to the chat"),
    (403, "Forbidden: CHAT_SEND_PHOTOS_FORBIDDEN"),
    (403, "Forbidden: CHAT_SEND_MEDIA_FORBIDDEN"),
]
NO_WORDS = [
    (400, "Bad Request: have no rights to send a message"),
    (400, "Bad Request: not enough rights to send text messages to the chat"),
    (403, "Forbidden: CHAT_SEND_PLAIN_FORBIDDEN"),
    (403, "Forbidden: CHAT_WRITE_FORBIDDEN"),
    (400, "Bad Request: TOPIC_CLOSED"),
]


@pytest.fixture
async def painters(house: House, named: Callable[..., Person]) -> Person:
    """Anna in a group whose administrators decide what may be sent."""
    anna = named(1001, "en", GROUP)
    group = {"chat": GROUP, "title": "Painters", "type": "supergroup", "members": [1001], "privacy": False}
    await anna.post("chat", group)
    private = named(1001, "en")
    await private.say("/cancel")  # so that there is a private chat
    await private.until(says("nothing to cancel"))
    return anna


@pytest.fixture
async def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long between two tries."""
    monkeypatch.setattr("bot.jobs.insisting.LONGEST_PAUSE", 0.02)


def says(words: str) -> Callable[[Message], bool]:
    return lambda message: words in (message["text"] or message["caption"] or "")


async def forbid(person: Person, refusal: tuple[int, str], *methods: str, **fields: Any) -> None:
    for method in methods:
        await trouble(person, method, status=refusal[0], description=refusal[1], **{"chat": GROUP, **fields})


async def by_the_bot(person: Person) -> list[Message]:
    return [it for it in await person.messages() if it["from"]["is_bot"] and not it["deleted"]]


async def until_nothing_is_under_way() -> None:
    await until(lambda: not errands("announce", "bring", "take back"))


async def test_pictures_that_a_chat_does_not_take_come_in_private_and_the_chat_is_told(
    house: House, painters: Person, anna: Person
) -> None:
    seen = 0
    for refusal in NO_PHOTOS:
        await forbid(painters, refusal, "editMessageMedia", "sendPhoto")
        asked = (await painters.say("/imagine a red circle"))["message"]
        told = await painters.until(says("brought it to you in private"), after=asked["id"])
        assert "a red circle" in told["text"]
        assert told["reply_to"] == asked["id"]
        result = await anna.until(is_result, after=seen)
        assert "does not let me send pictures" in result["caption"]
        seen = result["id"]
        await peace(painters)
    await until_state(house, "done")
    assert await in_state(house, "done") == len(NO_PHOTOS), "nothing was cancelled: the bot is still in the group"
    await anna.press(result, "📄 File")
    await anna.until(lambda message: bool(message["document"]))
    before = await anna.messages()
    await house.reopen()
    await until_nothing_is_under_way()
    assert await anna.messages() == before


async def test_where_no_private_chat_is_open_the_chat_says_how_to_find_the_picture(
    house: House, painters: Person, anna: Person
) -> None:
    await forbid(painters, NO_PHOTOS[0], "editMessageMedia", "sendPhoto")
    strange = (403, "Forbidden: bot can't initiate conversation with a user")
    await forbid(anna, strange, "sendPhoto", chat=anna.id)
    await painters.say("/imagine a red circle")
    told = await painters.until(says("write to me in private and send /history"))
    assert "✅" not in told["text"]
    await peace(anna)
    await anna.say("/history")
    await anna.until(lambda message: bool(message["photo"]))


async def test_where_the_bot_may_not_write_nothing_is_drawn_nothing_is_held_and_the_person_learns_why(
    house: House, painters: Person, anna: Person
) -> None:
    seen = 0
    for refusal in NO_WORDS:
        await forbid(painters, refusal, "sendMessage", "sendPhoto")
        await painters.say("/imagine a red circle")
        told = await anna.until(says("in a chat where I may not write"), after=seen)
        assert "Cancelled" in told["text"]
        seen = told["id"]
        await peace(painters)
    assert await in_state(house, "cancelled") == len(NO_WORDS)
    assert house.painter.submitted == []
    assert is_result(await anna.draw("a blue cat")), "nobody's places are held by what runs nowhere"


async def test_what_no_command_may_answer_in_a_chat_is_explained_in_private(painters: Person, anna: Person) -> None:
    for refusal in NO_WORDS[:3]:
        before = len(await by_the_bot(anna))
        await forbid(painters, refusal, "sendMessage")
        await painters.say("/help")
        await until(lambda before=before: _more_than(anna, before))
        assert "may not answer in the chat" in (await by_the_bot(anna))[-1]["text"]
        await peace(painters)


async def _more_than(person: Person, count: int) -> bool:
    return len(await by_the_bot(person)) > count


async def test_a_button_says_that_the_chat_takes_no_files(painters: Person) -> None:
    single = await painters.draw("/imagine a red circle")
    for refusal in (
        (403, "Forbidden: CHAT_SEND_DOCS_FORBIDDEN"),
        (400, "Bad Request: not enough rights to send documents to the chat"),
    ):
        before = (await painters.messages())[-1]["id"]
        await forbid(painters, refusal, "sendDocument")
        await painters.press(single, "📄 File")
        await painters.until(says("does not let me send files"), after=before)
        await peace(painters)


async def test_a_topic_that_is_gone_for_good_holds_nobodys_place(house: House, painters: Person, anna: Person) -> None:
    await forbid(painters, (400, "Bad Request: message thread not found"), "sendMessage", "sendPhoto")
    await painters.say("/imagine a red circle")
    await until_state(house, "failed")
    await until_nothing_is_under_way()
    await peace(painters)
    await anna.say("/queue")
    assert "is empty" in (await anna.until(says("line")))["text"]


async def test_what_was_cancelled_while_telegram_was_away_is_not_confirmed_afterwards(
    house: House, anna: Person, quick: None
) -> None:
    await trouble(anna, "sendMessage", status=500)
    await anna.say("a red circle")
    await until_state(house, "new")
    await house.studio.queue.cancel(1)
    await peace(anna)
    await anna.until(says("Cancelled"))
    await until_nothing_is_under_way()
    said = [message["text"] for message in await by_the_bot(anna)]
    assert len(said) == 1 and said[0].startswith("🚫"), said


async def test_a_confirmation_that_arrives_after_the_end_is_taken_back(house: House, anna: Person, quick: None) -> None:
    await trouble(anna, "sendMessage", count=1, delay=60)
    await anna.say("a red circle")
    await until_state(house, "new")
    await until(lambda: not house.playground.bots.faults.faults)  # it is held up on its way
    await house.studio.queue.cancel(1)
    await anna.until(says("Cancelled"))
    await until(lambda: not errands("bring"))
    await peace(anna)

    async def taken_back() -> bool:
        return any(message["deleted"] and message["text"].startswith("✅") for message in await anna.messages())

    await until(taken_back)
    said = [message["text"] for message in await by_the_bot(anna)]
    assert len(said) == 1 and said[0].startswith("🚫"), said


async def test_a_result_that_its_message_cannot_show_comes_as_a_new_photo(house: House, anna: Person) -> None:
    for number, refusal in enumerate(("MEDIA_INVALID", "IMAGE_PROCESS_FAILED", "wrong type of the web page content")):
        await trouble(anna, "editMessageMedia", status=400, description=f"Bad Request: {refusal}")
        asked = (await anna.say("a red circle"))["message"]
        grid = await anna.until(is_result, after=asked["id"])
        assert grid["reply_to"] == asked["id"]
        await until_nothing_is_under_way()
        assert len(await by_the_bot(anna)) == number + 1, "the message that said it was taken is gone"
        await peace(anna)
    await anna.press(grid, "⬆ 2")
    await anna.until(lambda message: "📄 File" in str(message["buttons"]))
    await house.reopen()
    await until_nothing_is_under_way()
    assert len([message for message in await by_the_bot(anna) if is_result(message)]) == 4


async def test_pictures_that_are_taken_for_no_photos_come_as_files(house: House, anna: Person) -> None:
    for method in ("editMessageMedia", "sendPhoto"):
        await trouble(anna, method, status=400, description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    await anna.say("a red circle --n 2")
    told = await anna.until(says("sent it as a file"))
    assert "a red circle" in told["text"]
    assert "✅" not in told["text"]
    assert len([message for message in await anna.messages() if message["document"]]) == 2


async def test_an_end_that_an_error_of_our_own_keeps_back_is_told_in_the_words_that_are_left(
    house: House, anna: Person, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def broken(facts: object, *_more: object) -> None:
        tries.append(facts)
        raise ValueError("a mistake in the program")

    monkeypatch.setattr("bot.jobs.result.render", broken)
    await anna.say("a red circle")
    await anna.until(says("sent it as a file"))
    monkeypatch.setattr("bot.jobs.result._with_its_pictures", broken)
    await anna.say("a blue cat")
    await anna.until(says("broke on our side"))
    await until_nothing_is_under_way()
    assert len(tries) == 3 + 4, "three tries each, the last one for the files"
    assert await in_state(house, "done") == 2


async def test_buttons_of_a_grid_say_that_the_chat_takes_no_photos(house: House, painters: Person) -> None:
    grid = await painters.draw("/imagine a red circle --n 2")
    await forbid(painters, NO_PHOTOS[1], "sendPhoto")
    await painters.press(grid, next(text for text in buttons(grid) if "⬆" in text))
    await painters.until(says("does not let me send pictures"))
