"""One rule for all questions: it is answered with or without quoting it, dropped by its button or /cancel, and ended by
whatever else is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.store import Draft, dialogs
from inference.requests import FlashMix, FlashTextToImage, Inpaint, Mix, Outpaint, TextToImage
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import ALL_MODES
from tests.bot.conversation.test_answered_early import a_marked_area, a_menu, a_picture, opened_again
from tests.bot.conversation.test_pictures_in import BLUE, RED, encoded, offers, says, send
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until

FROM_WORDS = FlashTextToImage | TextToImage


def last(house: House) -> object:
    return house.painter.submitted[-1].request


async def restyling(person: Person) -> Message:
    await person.press(await a_menu(person), "Restyle")
    return await person.until(says("What shall it become"))


async def extending(person: Person) -> Message:
    await person.press(await a_picture(person), "Extend")
    return await person.until(says("Which way"))


async def editing(person: Person) -> Message:
    photo = await send(person, encoded(RED), caption="a glass house --n 1")
    await person.press(await person.until(is_result, after=photo["id"]), "Edit")
    return await person.until(says("Tap the words"))


async def repainting(person: Person) -> Message:
    return await a_marked_area(person)


async def mixing(person: Person) -> Message:
    await person.say("/mix a house")
    await person.until(says("0 pictures so far"))
    photo = await send(person, encoded(RED))
    return await person.until(says("1 picture so far"), after=photo["id"])


DIALOGS = [restyling, extending, editing, repainting, mixing]


async def drawn_after(house: House, person: Person, words: str) -> object:
    said = (await person.say(words))["message"]
    await person.until(is_result, after=said["id"])
    return last(house)


@pytest.mark.parametrize(
    ("begin", "words", "kind"),
    [
        (restyling, "a house --n 1", Mix),
        (extending, "left by 30%", Outpaint),
        (extending, "влево", Outpaint),
        (editing, "a tent --n 1", Mix),
        (repainting, "a moon --n 1", Inpaint),
    ],
)
async def test_an_answer_counts_without_quoting_and_only_once(
    every_mode: House,
    anna: Person,
    begin: Callable[[Person], Awaitable[Message]],
    words: str,
    kind: type[object],
) -> None:
    await begin(anna)
    assert isinstance(await drawn_after(every_mode, anna, words), kind)
    assert isinstance(await drawn_after(every_mode, anna, "a red square --n 1"), FROM_WORDS)


@pytest.mark.parametrize("begin", DIALOGS)
async def test_its_button_ends_it_and_takes_its_message_back(
    every_mode: House, anna: Person, begin: Callable[[Person], Awaitable[Message]]
) -> None:
    asked = await begin(anna)
    await anna.press(asked, "✖️")
    await until(lambda: anna.is_gone(asked))
    assert isinstance(await drawn_after(every_mode, anna, "a red square --n 1"), FROM_WORDS)


@pytest.mark.parametrize("begin", DIALOGS)
async def test_cancel_ends_it_and_says_so(
    every_mode: House, anna: Person, begin: Callable[[Person], Awaitable[Message]]
) -> None:
    asked = await begin(anna)
    said = (await anna.say("/cancel" if begin is mixing else "стоп"))["message"]
    await anna.until(says("Never mind"), after=said["id"])
    assert await anna.is_gone(asked)
    assert isinstance(await drawn_after(every_mode, anna, "a red square --n 1"), FROM_WORDS)


@pytest.mark.parametrize("begin", DIALOGS)
@pytest.mark.parametrize("act", ["photo", "command", "other"])
async def test_the_next_unrelated_act_ends_its_listening_and_its_buttons_go_on(
    every_mode: House, anna: Person, begin: Callable[[Person], Awaitable[Message]], act: str
) -> None:
    asked = await begin(anna)
    if act == "photo" and begin is not mixing:
        assert await a_menu(anna)
    elif act == "other":
        await anna.say("/imagine a green star --n 1")
        await anna.until(is_result, after=asked["id"])
    else:
        said = (await anna.say("/styles"))["message"]
        await anna.until(lambda message: message["id"] > said["id"])
    assert isinstance(await drawn_after(every_mode, anna, "a red square --n 1"), FROM_WORDS)
    menu = await a_menu(anna)  # no mix has swallowed it
    assert "✖️" in "".join(buttons(await anna.message(asked["id"])))
    if begin is restyling:  # and who answers the message itself is understood
        said = (await anna.say("a house --n 1", reply_to=asked["id"]))["message"]
        await anna.until(is_result, after=menu["id"])
        assert isinstance(last(every_mode), Mix | FlashMix)
    if begin is mixing:
        await anna.press(asked, "✖️")


async def test_a_dialog_ends_by_time_and_by_the_next_one(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await restyling(anna)
    await extending(anna)
    assert isinstance(await drawn_after(every_mode, anna, "a house --n 1"), FROM_WORDS)  # no way, and asked before
    monkeypatch.setattr(dialogs, "LISTENING_SECONDS", -1.0)
    await restyling(anna)
    assert isinstance(await drawn_after(every_mode, anna, "a house --n 1"), FROM_WORDS)
    await mixing_alone(anna)
    assert await a_menu(anna)


async def mixing_alone(person: Person) -> None:
    await person.say("/mix")
    await person.until(says("0 pictures so far"))


async def test_a_dialog_outlives_a_restart(every_mode: House, anna: Person) -> None:
    await restyling(anna)
    await every_mode.close()
    await opened_again(every_mode)
    assert isinstance(await drawn_after(every_mode, anna, "a house --n 1"), Mix)


async def test_pictures_of_a_mix_lie_above_its_message_and_what_was_is_taken_back(
    every_mode: House, anna: Person
) -> None:
    first = await mixing(anna)
    photo = await send(anna, encoded(BLUE))
    second = await anna.until(says("2 pictures so far"), after=photo["id"])
    await until(lambda: anna.is_gone(first))
    await anna.press(second, "Done")
    await anna.until(offers("Start"))


async def test_in_a_group_words_that_quote_nothing_are_no_answer(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna = named(1001, "en", -77)
    await send(anna, encoded(RED), caption="/control")
    await anna.until(says("What shall it become"))
    me = every_mode.studio.me.username if every_mode.studio else ""
    assert isinstance(await drawn_after(every_mode, anna, f"@{me} a house --n 1"), FROM_WORDS)
    assert every_mode.painter.card == ALL_MODES


async def test_who_answers_the_message_of_a_mix_goes_on_with_it_whatever_came_between(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna = named(1001, "en", -77)
    me = every_mode.studio.me.username if every_mode.studio else ""
    await anna.say(f"/mix@{me}")
    mix = await anna.until(says("0 pictures so far"))
    said = (await anna.say(f"/queue@{me}"))["message"]
    await anna.until(lambda message: message["id"] > said["id"])
    await send(anna, encoded(RED), reply_to=str(mix["id"]))
    await anna.until(says("1 picture so far"))


@pytest.mark.parametrize("at_once", [1, 2])
async def test_of_two_mixes_pictures_go_to_the_one_whose_message_they_answer(
    every_mode: House, anna: Person, at_once: int
) -> None:
    await anna.say("/mix a house")
    first = await anna.until(says("a house"))
    await anna.say("/mix a boat")
    await anna.until(says("a boat"))
    photos = [encoded(colour) for colour in (RED, BLUE)[:at_once]]
    await send(anna, *photos, reply_to=str(first["id"]))
    grown = await anna.until(says(f"{at_once} picture"))
    assert says("a house")(grown)
    photo = await send(anna, encoded((20, 160, 60)))  # which is the open one again
    assert says("a house")(await anna.until(says(f"{at_once + 1} pictures so far"), after=photo["id"]))


async def test_an_old_message_that_is_changed_answers_no_newer_question(every_mode: House, anna: Person) -> None:
    greeted = (await anna.say("hello"))["message"]
    await anna.until(says("Hello!"), after=greeted["id"])
    await restyling(anna)
    await anna.post("edit", {"user": 1001, "chat": anna.chat_id, "message_id": greeted["id"], "text": "hello there"})
    assert isinstance(await drawn_after(every_mode, anna, "a house --n 1"), Mix)
    assert len(every_mode.painter.submitted) == 1


@pytest.mark.parametrize("words", ["left by 30%", "a red square --n 1", "/styles", "стоп"])
async def test_the_open_dialog_is_looked_up_once_for_words_whoever_takes_them(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    await extending(anna)
    looked: list[int] = []
    listening = dialogs.Dialogs.listening

    async def counted(self: dialogs.Dialogs, owner_id: int, chat_id: int) -> Draft | None:
        looked.append(owner_id)
        return await listening(self, owner_id, chat_id)

    monkeypatch.setattr(dialogs.Dialogs, "listening", counted)
    said = (await anna.say(words))["message"]
    await anna.until(lambda message: message["id"] > said["id"])
    assert looked == [1001]
