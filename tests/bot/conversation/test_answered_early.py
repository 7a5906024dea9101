"""An answer that comes before the send of what it answers has returned, or after a kill that kept its number from being
written down: it is taken for what it is, never for new words."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bot
from bot.store import DraftKind, Sources
from bot.telegram import sent_once
from inference.requests import Control, FlashTextToImage, Inpaint, Mix, Outpaint, TextToImage, Upscale
from tests.bot.conversation.conftest import TOKEN, House
from tests.bot.conversation.painter import ALL_MODES, offering
from tests.bot.conversation.test_extend import parents
from tests.bot.conversation.test_pictures_in import BLUE, RED, encoded, offers, says, send
from tests.bot.conversation.test_sent_and_not_known import Killed, kill_before_writing_down, live
from tests.bot.conversation.test_trouble import peace, trouble, until_state
from tests.e2e.chat import Message, Person, is_result
from tests.waiting import until

HELD_SECONDS = 20.0  # longer than an answer takes, less than a call may
GROUP = -77


@asynccontextmanager
async def answer_held(person: Person, method: str) -> AsyncIterator[None]:
    """The next call of this method is performed, and returns to the bot only when all inside is done."""
    await trouble(person, method, count=1, delay=HELD_SECONDS, when="after")
    yield
    await peace(person)


@asynccontextmanager
async def killed_before_writing_down(house: House) -> AsyncIterator[None]:
    """The bot sends a message inside and is killed before anything at all is noted of it; then it starts again.

    What came before is over by then: a person sees a message sooner than the bot has noted it.
    """
    await until(lambda: nothing_in_hand(house))
    with pytest.MonkeyPatch.context() as patch:

        async def killed(*_where: Any) -> None:
            raise Killed

        noted = Sources.note_in_draft

        async def killed_after_sending(sources: Sources, draft_id: int, **fields: Any) -> None:
            if fields.get("asked") is not None:
                raise Killed
            await noted(sources, draft_id, **fields)

        patch.setattr(Sources, "place_draft", killed)
        patch.setattr(Sources, "note_in_draft", killed_after_sending)
        patch.setattr(sent_once, "_kept", lambda _sent: None)
        yield
        await house.close()
    await opened_again(house)


def nothing_in_hand(house: House) -> bool:
    with closing(sqlite3.connect(house.folder / "studio.db")) as database:
        (left,) = database.execute("select count(*) from inbox where handled_at is null").fetchone()
    return not left


async def opened_again(house: House) -> None:
    before, house.painter = house.painter, house.new_painter()
    house.painter.card, house.painter.submitted = before.card, before.submitted
    await house.open()


# Questions


@pytest.fixture
async def every_mode(house: House) -> House:
    """A model that knows every mode, beside one that knows better words."""
    await house.learns(offering(ALL_MODES, *ALL_MODES.kinds, "beautify"))
    return house


Step = Callable[[Person], Awaitable[Message]]
Pose = Callable[[Person, Message | None], Awaitable[Any]]
Answer = Callable[[Person, Message], Awaitable[Any]]


@dataclass(frozen=True)
class Question:
    """How the bot comes to ask, by which method, how one answers, and what must come of it.

    `waits`: the answer is taken up when the send has returned, for it changes the very message that is on its way.
    """

    pose: Pose
    seen: Callable[[Message], bool]
    answer: Answer
    comes: Callable[[House, Person, Message], Awaitable[None]]
    method: str = "sendMessage"
    before: Step | None = None
    waits: bool = False


def drawn_as(kind: type[Any], prompt: str | None = None) -> Callable[[House, Person, Message], Awaitable[None]]:
    """What comes of an answer is a picture made from the one that was asked about."""

    async def comes(house: House, person: Person, question: Message) -> None:
        await person.until(is_result, after=question["id"])
        requests = [assignment.request for assignment in house.painter.submitted]
        assert isinstance(requests[-1], kind), requests
        assert prompt is None or requests[-1].prompt == prompt
        assert not [it for it in requests[1:] if isinstance(it, FlashTextToImage | TextToImage)], "drawn from words"

    return comes


def says_then(words: str) -> Callable[[House, Person, Message], Awaitable[None]]:
    async def comes(_house: House, person: Person, question: Message) -> None:
        await person.until(says(words), after=question["id"] - 1)

    return comes


def offers_then(button: str) -> Callable[[House, Person, Message], Awaitable[None]]:
    async def comes(_house: House, person: Person, question: Message) -> None:
        await person.until(offers(button), after=question["id"] - 1)

    return comes


def reply(words: str) -> Answer:
    return lambda person, question: person.say(words, reply_to=question["id"])


def press(button: str) -> Answer:
    return lambda person, question: person.press(question, button)


def sending(caption: str, size: tuple[int, int] = (192, 128)) -> Pose:
    return lambda person, _before: send(person, encoded(RED, size), caption=caption)


def pressing(button: str) -> Pose:
    async def pose(person: Person, before: Message | None) -> Any:
        assert before is not None
        return await person.press(before, button)

    return pose


async def a_picture(person: Person) -> Message:
    return await person.draw("a red circle --n 1")


async def a_menu(person: Person) -> Message:
    photo = await send(person, encoded(RED))
    return await person.until(offers("Restyle"), after=photo["id"])


async def a_restyled_photo(person: Person) -> Message:
    photo = await send(person, encoded(RED), caption="a glass house --n 1")
    return await person.until(is_result, after=photo["id"])


async def a_marked_area(person: Person) -> Message:
    picture = await a_picture(person)
    await person.press(picture, "Region")
    which = await person.until(says("Which part"), after=picture["id"])
    await person.press(which, "▫️")
    return await person.until(offers("✅"), after=which["id"] - 1)


def saying(words: str) -> Pose:
    async def pose(person: Person, _before: Message | None) -> Any:
        return await person.say(words)

    return pose


def unquoted(words: str) -> Answer:
    """In private an answer need not quote what asks."""
    return lambda person, _asked: person.say(words)


WHICH_PART, WHAT_THERE = says("Which part"), says("What shall be there")

QUESTIONS: dict[DraftKind, dict[str, Question]] = {
    "improve": {
        "words in reply": Question(
            saying("/beautify"), says("Which words"), reply("a fox"), says_then("Better words")
        ),
    },
    "words": {
        "a reply": Question(
            sending("/control"), says("What shall it become"), reply("a house"), drawn_as(Control, "a house")
        ),
        "a reply to what a button of a photo has asked": Question(
            pressing("Restyle"), says("What shall it become"), reply("a house"), drawn_as(Mix, "a house"),
            before=a_menu,
        ),
        "without a reply": Question(
            pressing("Restyle"), says("What shall it become"), unquoted("a house"), drawn_as(Mix, "a house"),
            before=a_menu,
        ),
    },
    "edit": {
        "a reply": Question(
            pressing("Edit"), says("Tap the words"), reply("a tent"), drawn_as(Mix, "a tent"),
            before=a_restyled_photo,
        ),
    },
    "mask": {
        "a side in reply": Question(
            pressing("Region"), WHICH_PART, reply("top left: a moon"), says_then("a moon"),
            method="sendPhoto", before=a_picture,
        ),
        "a side without a reply": Question(
            pressing("Region"), WHICH_PART, unquoted("left"), says_then("I will repaint"),
            method="sendPhoto", before=a_picture,
        ),
        "a square": Question(
            pressing("Region"), WHICH_PART, press("▫️"), says_then("I will repaint"),
            method="sendPhoto", before=a_picture,
        ),
        "words in reply": Question(
            pressing("✅"), WHAT_THERE, reply("a moon"), drawn_as(Inpaint, "a moon"), before=a_marked_area
        ),
        "words without a reply": Question(
            pressing("✅"), WHAT_THERE, unquoted("a moon"), drawn_as(Inpaint, "a moon"),
            before=a_marked_area,
        ),
    },
    "frame": {
        "a way": Question(pressing("Extend"), says("Which way"), press("⬅️"), drawn_as(Outpaint), before=a_picture),
        "a way in words": Question(
            pressing("Extend"), says("Which way"), unquoted("left"), drawn_as(Outpaint), before=a_picture
        ),
    },
    "order": {
        "a yes": Question(sending("/upscale 4K", (1600, 1600)), offers("Start"), press("Start"), drawn_as(Upscale)),
    },
    "mix": {
        "a picture": Question(
            saying("/mix"), says("0 pictures so far"), lambda person, _asked: send(person, encoded(BLUE)),
            says_then("1 picture so far"), method="sendPhoto", waits=True,
        ),
        "a weight": Question(
            lambda person, _before: send(person, encoded(RED), encoded(BLUE)), says("How much of each"), press("➕"),
            offers_then("60 %"),
            method="sendPhoto", waits=True,
        ),
    },
}  # fmt: skip
EACH = [pytest.param(it, id=f"{kind}, {name}") for kind, some in QUESTIONS.items() for name, it in some.items()]


async def posed(question: Question, person: Person, before: Message | None) -> Message:
    """Has the bot ask; what it asks, as soon as the person sees it."""
    last = max((message["id"] for message in await person.messages()), default=0)
    await question.pose(person, before)
    return await person.until(question.seen, after=last)


def test_every_kind_of_question_is_answered_early_here() -> None:
    made = re.compile(r'\b(?:add_draft|ask)\((?:[\s\w.]+,)+\s*"(\w+)"')
    sources = [path.read_text() for path in Path(bot.__file__).parent.glob("**/*.py") if "playground" not in path.parts]
    assert set(QUESTIONS) == {kind for source in sources for kind in made.findall(source)}


def test_whatever_opens_the_keyboard_for_an_answer_is_a_question_that_is_noted_first() -> None:
    package = Path(bot.__file__).parent
    asking = {path.name for path in package.glob("**/*.py") if re.search(r"\bForceReply\(", path.read_text())}
    assert asking - {path.name for path in package.glob("playground/**/*.py")} == {"questions.py"}


@pytest.mark.parametrize("question", EACH)
async def test_an_answer_is_one_while_the_question_is_still_being_sent(
    every_mode: House, anna: Person, question: Question
) -> None:
    before = await question.before(anna) if question.before is not None else None
    async with answer_held(anna, question.method):
        asked = await posed(question, anna, before)
        if question.waits:
            await peace(anna)
        await question.answer(anna, asked)
        await question.comes(every_mode, anna, asked)


@pytest.mark.parametrize("question", EACH)
async def test_an_answer_is_one_after_a_kill_that_left_the_question_without_a_number(
    every_mode: House, anna: Person, question: Question
) -> None:
    before = await question.before(anna) if question.before is not None else None
    async with killed_before_writing_down(every_mode):
        asked = await posed(question, anna, before)
    await question.answer(anna, asked)
    await question.comes(every_mode, anna, asked)


async def test_in_a_group_a_question_is_answered_early_by_whom_it_was_asked_and_by_nobody_else(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, "en", GROUP), named(1002, "en", GROUP)
    async with answer_held(anna, "sendMessage"):
        await send(anna, encoded(RED), caption="/control")
        asked = await anna.until(says("What shall it become"))
        drawn = (await boris.say("a blue cat", reply_to=asked["id"]))["message"]
        answered = (await anna.say("a house", reply_to=asked["id"]))["message"]
        await anna.until(lambda message: is_result(message) and message["reply_to"] == drawn["id"])
        await anna.until(lambda message: is_result(message) and message["reply_to"] == answered["id"])
    kinds = {type(assignment.request): assignment.request for assignment in every_mode.painter.submitted}
    assert set(kinds) == {Control, FlashTextToImage}
    assert kinds[Control].prompt == "a house"


async def test_of_two_questions_that_read_the_same_each_is_answered_for_itself(every_mode: House, anna: Person) -> None:
    first = await a_menu(anna)
    blue = await send(anna, encoded(BLUE))
    second = await anna.until(offers("Restyle"), after=blue["id"])
    question = says("What shall it become")
    await anna.press(first, "Restyle")
    about_red = await anna.until(question)
    async with killed_before_writing_down(every_mode):
        await anna.press(second, "Restyle")
        about_blue = await anna.until(question, after=about_red["id"])
    again = await anna.until(question, after=about_blue["id"])
    for asked in (about_red, about_blue, again):
        said = (await anna.say(f"a house {asked['id']}", reply_to=asked["id"]))["message"]
        await anna.until(is_result, after=said["id"])
    sources = {it.request.prompt: it.request.images[0].blob for it in every_mode.painter.submitted}
    assert sources[f"a house {about_blue['id']}"] == sources[f"a house {again['id']}"]
    assert sources[f"a house {about_red['id']}"] != sources[f"a house {again['id']}"]


async def test_a_question_that_telegram_has_refused_waits_for_no_answer(every_mode: House, anna: Person) -> None:
    menu = await a_menu(anna)
    await trouble(anna, "sendMessage", count=1, status=400)
    await anna.press(menu, "Restyle")
    await anna.until(says("went wrong"))
    said = (await anna.say("a blue cat"))["message"]
    await anna.until(is_result, after=said["id"])
    assert isinstance(every_mode.painter.submitted[-1].request, FlashTextToImage)


# Statuses and results


@pytest.fixture
async def unseen(closed_house: House) -> House:
    """A studio without previews: what turns a status into a photo is its result."""
    closed_house.options["previews"] = False
    closed_house.painter.card = ALL_MODES
    await closed_house.open()
    return closed_house


async def cancel_in_words(person: Person, status: Message) -> None:
    await person.say("/cancel", reply_to=status["id"])
    await person.until(says("Cancelled 1 request"))


async def cancel_by_button(person: Person, status: Message) -> None:
    assert "Cancelling" in (await person.press(status, "Cancel"))["answer"]["text"]


@pytest.mark.parametrize("cancel", [cancel_in_words, cancel_by_button])
async def test_a_request_is_cancelled_in_its_status_message_while_that_is_still_being_sent(
    house: House, anna: Person, cancel: Callable[[Person, Message], Awaitable[None]]
) -> None:
    house.painter.slots = 0
    async with answer_held(anna, "sendMessage"):
        await anna.say("a red circle")
        status = await anna.until(live)
        await cancel(anna, status)
        await until_state(house, "cancelled")
    await anna.until(lambda message: message["id"] == status["id"] and says("Cancelled")(message))
    assert house.painter.submitted == []


async def vary_the_second(person: Person, grid: Message) -> None:
    said = (await person.say("/vary 2", reply_to=grid["id"]))["message"]
    await person.until(lambda message: is_result(message) and message["reply_to"] == said["id"])


async def take_out_the_second(person: Person, grid: Message) -> None:
    await person.press(grid, "⬆ 2")
    await person.until(lambda message: message["id"] > grid["id"] and is_result(message))
    await person.until(offers("⬆ 2 ✓"), after=grid["id"] - 1)


async def ask_for_the_recipe(person: Person, grid: Message) -> None:
    said = (await person.say("/info", reply_to=grid["id"]))["message"]
    await person.until(says("red circle"), after=said["id"])


async def delete_for_good(person: Person, grid: Message) -> None:
    await person.press(grid, "🗑")
    await person.until(offers("Delete for good"))
    await person.press(await person.message(grid["id"]), "Delete for good")
    await until_deleted(person, grid)


async def until_deleted(person: Person, message: Message) -> None:
    async def gone() -> bool:
        return bool((await person.message(message["id"]))["deleted"])

    await until(gone)


RESULTS = [vary_the_second, take_out_the_second, ask_for_the_recipe, delete_for_good]


@pytest.mark.parametrize("do", RESULTS)
async def test_a_result_is_one_while_the_edit_that_brings_it_has_not_returned(
    unseen: House, anna: Person, do: Callable[[Person, Message], Awaitable[None]]
) -> None:
    async with answer_held(anna, "editMessageMedia"):
        await anna.say("a red circle --n 2")
        await do(anna, await anna.until(is_result))
    if do is vary_the_second:
        assert await parents(unseen) == [(2, None)] * 4


@pytest.mark.parametrize("do", RESULTS)
async def test_a_result_that_is_sent_anew_is_one_while_it_is_still_being_sent(
    unseen: House, anna: Person, do: Callable[[Person, Message], Awaitable[None]]
) -> None:
    unseen.painter.gate.clear()
    await anna.say("a red circle --n 2")
    status = await anna.until(live)
    await until_state(unseen, "running")
    deletion = f"{anna.url}/bot{TOKEN}/deleteMessage?chat_id={anna.id}&message_id={status['id']}"
    async with anna.session.get(deletion) as response:
        assert response.status == 200
    async with answer_held(anna, "sendPhoto"):
        unseen.painter.gate.set()
        await do(anna, await anna.until(is_result))


@pytest.mark.parametrize(
    ("button", "method", "seen"),
    [("⬆ 2", "sendPhoto", offers("File")), ("Files", "sendMediaGroup", lambda message: bool(message["document"]))],
)
async def test_a_picture_that_was_taken_out_is_that_picture_while_it_is_still_being_sent(
    unseen: House, anna: Person, button: str, method: str, seen: Callable[[Message], bool]
) -> None:
    grid = await anna.draw("a red circle --n 2")
    async with answer_held(anna, method):
        await anna.press(grid, button)
        shown = await anna.until(seen, after=grid["id"])
        said = (await anna.say("/vary", reply_to=shown["id"]))["message"]
        await anna.until(lambda message: is_result(message) and message["reply_to"] == said["id"])
    drawn_from = 1 if button == "Files" else 2
    assert await parents(unseen) == [(drawn_from, None)] * 4


@pytest.mark.parametrize("do", [vary_the_second, ask_for_the_recipe])
async def test_a_result_is_one_after_a_kill_that_kept_it_from_being_written_down(
    unseen: House, anna: Person, do: Callable[[Person, Message], Awaitable[None]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        kill_before_writing_down(patch, "grid")
        await anna.say("a red circle --n 2")
        grid = await anna.until(is_result)
        await unseen.close()
    async with answer_held(anna, "editMessageMedia"):  # with which the next start would write it down
        await opened_again(unseen)
        await do(anna, grid)
