"""Messages that people change: what waits is drawn with the new words, what has begun is left alone and asked about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inference.requests import AnyRequest, FlashTextToImage, Outpaint
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_again import handled_again, told
from tests.bot.conversation.test_pictures_in import RED, encoded, offers, says, send
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until

OFFER = "You changed your words"


async def edit(person: Person, message: Message, text: str) -> None:
    field = "caption" if message["photo"] else "text"
    await person.post("edit", {"user": person.id, "chat": person.chat_id, "message_id": message["id"], field: text})


async def busy(house: House, anna: Person) -> None:
    """One picture is being drawn, and all else waits until the gate opens."""
    house.painter.slots, house.painter.hold = 1, "hold"
    house.painter.gate.clear()
    await anna.say("/imagine hold --n 1")
    await until(lambda: house.painter.submitted)


def drawn(house: House) -> list[AnyRequest]:
    return [job.request for job in house.painter.submitted]


async def test_what_waits_is_drawn_with_the_new_words_where_it_stood(house: House, anna: Person) -> None:
    await busy(house, anna)
    first = (await anna.say("a red circle --n 2"))["message"]
    status = await anna.until(says("a red circle"))
    await anna.say("a green circle --n 1")
    await edit(anna, first, "a blue circle")
    await anna.until(lambda message: message["id"] == status["id"] and says("a blue circle")(message))
    await edit(anna, first, "please, draw a blue cat --n 1 --seed 5")
    await anna.until(lambda message: message["id"] == status["id"] and says("a blue cat")(message))
    house.painter.gate.set()
    await anna.results(3)
    _held, changed, after = drawn(house)
    assert isinstance(changed, FlashTextToImage)
    assert (changed.prompt, changed.seeds) == ("a blue cat", (5,))  # --n 2 is not said any more
    assert isinstance(after, FlashTextToImage) and after.prompt == "a green circle"
    assert says("a blue cat")(await anna.message(status["id"]))
    assert not any(says(OFFER)(message) for message in await anna.messages())


async def test_what_has_begun_is_left_alone_and_the_new_words_are_one_tap(house: House, anna: Person) -> None:
    house.painter.hold = "hold"
    house.painter.gate.clear()
    asked = (await anna.say("hold a circle --n 1"))["message"]
    await until(lambda: house.painter.submitted)
    await edit(anna, asked, "hold a circle --n 1")  # Telegram says so of a preview of a link, too
    await edit(anna, asked, "a red circle --n 1")
    offer = await anna.until(says(OFFER))
    await edit(anna, asked, "a blue circle --n 1")
    await anna.until(lambda message: message["id"] == offer["id"] and says("a blue circle")(message))
    house.painter.gate.set()
    await anna.until(is_result)
    await anna.press(offer, "Draw the new words")
    await anna.results(2)
    assert [one.words for one in drawn(house)] == ["hold a circle", "a blue circle"]
    assert buttons(await anna.message(offer["id"])) == []
    await edit(anna, asked, "a blue circle --n 1")  # these have been drawn
    await edit(anna, asked, "a green circle --n 1")
    again = await anna.until(says(OFFER), after=offer["id"])
    await anna.press(again, "Never mind")
    await anna.until(says("Never mind, then."))
    assert len(house.painter.submitted) == 2


async def test_the_words_of_an_answer_are_changed_for_what_they_answered(every_mode: House, anna: Person) -> None:
    house = every_mode
    await send(anna, encoded(RED))
    await anna.press(await anna.until(offers("Outlines")), "Outlines")
    question = await anna.until(says("Reply"), after=2)
    await busy(house, anna)
    answer = (await anna.say("a red house", reply_to=question["id"]))["message"]
    status = await anna.until(says("a red house"))
    await edit(anna, answer, "a blue house --seed 9")
    await anna.until(lambda message: message["id"] == status["id"] and says("a blue house")(message))
    house.painter.gate.set()
    await anna.results(2)
    assert house.painter.submitted[-1].request.kind == "hed"
    assert (drawn(house)[-1].words, drawn(house)[-1].seeds[0]) == ("a blue house", 9)


async def test_a_command_is_done_as_it_reads_now(every_mode: House, anna: Person) -> None:
    house = every_mode
    grid = await anna.draw("a red circle --n 1")
    await busy(house, anna)
    asked = (await anna.say("/outpaint left", reply_to=grid["id"]))["message"]
    status = await anna.until(says("Extending"))
    await edit(anna, asked, "/outpaint right")
    await until(lambda: told_request(house, status, '"box":[0,'))
    await edit(anna, asked, "/upscale")
    await anna.until(lambda message: message["id"] == status["id"] and says("Enlarging")(message))
    house.painter.gate.set()
    await anna.until(is_result, after=asked["id"])
    assert [one.kind for one in drawn(house)] == ["flash", "flash", "flash_x2"]
    assert not any(isinstance(one, Outpaint) for one in drawn(house))


async def told_request(house: House, status: Message, text: str) -> bool:
    rows = await told(house, f"select request from jobs where message_id = {status['id']}")
    return text in str(rows).replace(" ", "")


async def test_what_was_refused_is_read_again_when_it_is_mended_and_others_words_change_nothing(
    house: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, "en", -77), named(1002, "en", -77)
    slip = (await anna.say("/imagine a red circle --stile anime"))["message"]
    await anna.until(says("Did you mean"))
    await busy(house, anna)
    await edit(anna, slip, "/imagine a red circle --n 1")
    status = await anna.until(says("a red circle"), after=slip["id"] + 1)
    talk = (await boris.say("what a day", reply_to=slip["id"]))["message"]
    await edit(boris, talk, "what a nice day")
    await edit(anna, slip, "/imagine a blue circle --n 1")
    await anna.until(lambda message: message["id"] == status["id"] and says("a blue circle")(message))
    house.painter.gate.set()
    await anna.results(2)
    assert [one.words for one in drawn(house)] == ["hold", "a blue circle"]


@pytest.mark.parametrize("waits", [True, False])
async def test_a_kill_after_the_change_changes_nothing_more(
    house: House, anna: Person, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    if waits:
        house.painter.slots = 0
    asked = (await anna.say("a red circle --n 1"))["message"]
    await anna.until(says("a red circle") if waits else is_result)

    async def change(anna: Person) -> None:
        await edit(anna, asked, "a blue circle --n 1")
        await anna.until(says("a blue circle"))
        house.painter.slots = 2
        assert house.studio is not None
        house.studio.queue.wake()
        await anna.until(is_result)

    await handled_again(house, anna, monkeypatch, change)
    assert [one.words for one in drawn(house)] == []
    offers_made = [message for message in await anna.messages() if says(OFFER)(message)]
    assert len(offers_made) == (0 if waits else 1)


@pytest.mark.parametrize(("answer", "kinds"), [("Start", ["flash", "x4"]), ("Never mind", ["flash", "mix"])])
async def test_words_that_make_waiting_work_much_larger_are_asked_about_before_they_hold(
    every_mode: House, anna: Person, answer: str, kinds: list[str]
) -> None:
    await busy(every_mode, anna)
    asked = await send(anna, encoded(RED, (1600, 1600)), caption="/vary --n 1")
    status = await anna.until(says("Variation"), after=asked["id"])
    await edit(anna, asked, "/upscale 4K")
    question = await anna.until(offers("Start"))
    assert "With your new words it takes longer" in question["text"]
    assert says("Variation")(await anna.message(status["id"]))
    await anna.press(question, answer)
    assert not buttons(await anna.message(question["id"]))
    now = says("Enlarging" if answer == "Start" else "Variation")
    await anna.until(lambda message: message["id"] == status["id"] and now(message))
    every_mode.painter.gate.set()
    await anna.until(is_result, after=asked["id"])
    assert [one.kind for one in drawn(every_mode)] == kinds


async def test_words_that_are_changed_after_start_are_those_of_the_work_that_waits(
    every_mode: House, anna: Person
) -> None:
    await busy(every_mode, anna)
    asked = await send(anna, encoded(RED, (1600, 1600)), caption="/upscale 4K")
    question = await anna.until(offers("Start"), after=asked["id"])
    await anna.press(question, "Start")
    status = await anna.until(says("in line"), after=question["id"])
    assert status["reply_to"] == asked["id"]
    await edit(anna, asked, "/vary --n 1")
    await anna.until(lambda message: message["id"] == status["id"] and says("Variation")(message))
    every_mode.painter.gate.set()
    await anna.until(is_result, after=asked["id"])
    assert [one.kind for one in drawn(every_mode)] == ["flash", "mix"]
