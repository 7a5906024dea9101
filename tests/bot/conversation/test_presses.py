"""The one door for presses: nothing that a client may have made up comes through it, and every press is answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiogram.filters.callback_data import CallbackData

from bot.telegram import callbacks
from bot.telegram.callbacks import BrokenButton, ButtonOfJob, DraftButton, Ours, SourceButton, read_button
from tests.bot.conversation.conftest import House
from tests.bot.conversation.forging import Forger
from tests.bot.conversation.test_pictures_in import RED, encoded, offers, says, send
from tests.e2e.chat import Message, Person, buttons, is_result

BROKEN, GONE, OTHERS = "This button is broken", "no longer there", "somebody else"
GROUP = -77
BEYOND = 2**63


async def drawn(person: Person, words: str = "a red circle --n 2") -> Message:
    """A result of somebody, in their private chat or in the group."""
    said = await person.say(words if person.chat is None else f"/imagine {words}")
    return await person.until(is_result, after=said["message"]["id"])


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


def data_of(message: Message, text: str) -> str:
    return next(str(key["data"]) for row in message["buttons"] for key in row if text in key["text"])


def test_every_class_of_buttons_goes_through_the_door() -> None:
    bases: set[type[CallbackData]] = {CallbackData, Ours, DraftButton, ButtonOfJob}
    found = {button for base in {*bases, SourceButton} for button in base.__subclasses__()} - bases
    assert found == set(Ours.known.values())


@pytest.mark.parametrize(
    "data",
    [
        "j:cancel:5", "p:open:7", "h:1:9:1:turn:0", "h:1001:0:0:really:7", "s:1:size:16x9", "s:1:menu:", "y:anime",
        "e:2", "c:1001", "w:new:5", "f:repeat", "o:vary:1:0", "o:x2:0:3", "m:less:4:3", "k:start:9", "a:cell:5:15",
        "q:take:9", "a:grid:5:4", "x:zoom15:3", f"j:star:{BEYOND - 1}", "s:-1001234567890:style:khokhloma",
    ],
)  # fmt: skip
def test_what_stands_under_old_messages_is_still_read(data: str) -> None:
    assert read_button(data).pack() == data


@pytest.mark.parametrize(
    "data",
    [
        None, "", ":", "z:1", "j", "j:", "j:cancel", "j:cancel:", "j:cancel:5:6", "j:draw:5", "j:cancel:05",
        "j:cancel:²", "j:cancel:٥", "j:cancel:+5", "j:cancel: 5", "j:cancel:5_0", "j:cancel:5.0", "j:cancel:1e3",
        "j:cancel:-1", f"j:cancel:{BEYOND}", "p:open:" + "9" * 50, "p:open:" + "9" * 5000, f"h:1:{BEYOND}:0:turn:0",
        "h:1:-9:0:turn:0", "h:1:0:true:turn:0", f"h:{-BEYOND}:0:0:turn:0", "s:1:count:²", "s:1:size:16:9",
        "s:1:style:" + "a" * 40, "y:", "y:../../etc", "y:A\n", "e:-1", "e:100", "a:grid:5:500", "a:grid:5:0",
        "a:grid:5:-1", "a:cell:5:16", "a:cell:5:-1", "m:less:5:4", "m:more:5:-1", "o:vary:1:1", "o:vary:0:0", "f:",
    ],
)  # fmt: skip
def test_what_no_button_of_ours_carries_is_broken(data: str | None) -> None:
    with pytest.raises(BrokenButton):
        read_button(data)


async def test_no_press_of_the_owner_of_one_picture_opens_the_history_of_another(
    house: House, named: Callable[..., Person], caplog: pytest.LogCaptureFixture
) -> None:
    anna, boris = named(1001), named(1002)
    secret = await drawn(anna, "a secret red circle --n 2")
    mine = await drawn(boris, "a blue cat --n 1")
    picture = data_of(mine, "☆").rpartition(":")[2]
    forger = Forger(house)
    for action in ("really", "delete", "star", "open", "turn"):
        data = f"h:1001:0:0:{action}:{picture}"
        for message in (forger.carrying(mine, data), forger.inaccessible(mine)):
            answer = await forger.press(1002, data, message)
            assert answer is not None and OTHERS in answer["text"], action
    assert "secret" not in str(await boris.messages())
    assert buttons(await boris.message(mine["id"])) == buttons(mine)
    assert buttons(await anna.message(secret["id"])) == buttons(secret)
    assert not errors(caplog)


async def test_settings_and_waiting_jobs_of_others_are_out_of_reach(house: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001), named(1002)
    await anna.say("/settings")
    await anna.until(offers("Language"))
    house.painter.gate.clear()
    await anna.say("a red circle")
    await anna.until(lambda message: "░" in (message["text"] or message["caption"] or ""))
    await boris.say("/settings")
    mine = await boris.until(offers("Language"))
    forger = Forger(house)
    for data in ("s:1001:language:ru", "s:1001:close:", "s:1001:menu:", "c:1001"):
        answer = await forger.press(1002, data, forger.carrying(mine, data))
        assert answer is not None and OTHERS in answer["text"], data
    house.painter.gate.set()
    await anna.until(is_result)
    assert not (await boris.message(mine["id"]))["deleted"]


async def test_a_grid_of_hundreds_is_refused_before_it_is_built(
    every_mode: House, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    await send(anna, encoded(RED), caption="/inpaint")
    area = await anna.until(offers("Never mind"))
    draft = data_of(area, "Never mind").split(":")[2]
    forger = Forger(every_mode)
    for cell in (500, 1500, 0, -1, 2, 5):
        data = f"a:grid:{draft}:{cell}"
        answer = await forger.press(anna.id, data, forger.carrying(area, data))
        assert answer is not None and BROKEN in answer["text"], cell
    assert buttons(await anna.message(area["id"])) == buttons(area)
    assert not errors(caplog)


async def test_a_draft_of_another_kind_is_not_there(
    every_mode: House, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    await send(anna, encoded(RED), caption="/inpaint")
    area = await anna.until(offers("Never mind"))
    draft = data_of(area, "Never mind").split(":")[2]
    forger = Forger(every_mode)
    for data in (
        f"m:more:{draft}:0", f"m:start:{draft}:0", f"k:start:{draft}", f"k:drop:{draft}", f"x:left:{draft}",
    ):  # fmt: skip
        for message in (forger.carrying(area, data), forger.inaccessible(area)):
            answer = await forger.press(anna.id, data, message)
            assert answer is not None and GONE in answer["text"], data
    assert buttons(await anna.message(area["id"])) == buttons(area)
    assert not errors(caplog)


async def test_a_press_that_is_no_button_is_answered_without_a_word_in_the_log_of_errors(
    house: House, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    await anna.say("/settings")
    menu = await anna.until(offers("Language"))
    forger = Forger(house)
    shown = forger.shown(menu)
    far = shown | {"message_id": BEYOND, "chat": shown["chat"] | {"id": anna.id}}
    for data in ("j:cancel:²", "nonsense", "", "j:again:1:2", None):
        answer = await forger.press(anna.id, data, shown)
        assert answer is not None and BROKEN in answer["text"], data
    own = data_of(menu, "Language")
    for message, more in ((None, {}), (None, {"inline_message_id": "AbC"}), (far, {})):
        answer = await forger.press(anna.id, own, message, **more)
        assert answer is not None and BROKEN in answer["text"], (message, more)
    answer = await forger.press(1002, own, shown)
    assert answer is not None and BROKEN in answer["text"], "the private chat of somebody else"
    answer = await forger.press(anna.id, None, shown, game_short_name="chess")
    assert answer is not None and BROKEN in answer["text"]
    assert not errors(caplog)


async def test_own_buttons_pressed_under_a_message_of_others_change_nothing_of_it(
    every_mode: House, named: Callable[..., Person], caplog: pytest.LogCaptureFixture
) -> None:
    anna, boris = named(1001, "en", GROUP), named(1002, "en", GROUP)
    theirs = await drawn(anna)
    await boris.say("/imagine a blue cat --n 2")
    mine = await boris.until(lambda it: is_result(it) and it["id"] != theirs["id"], after=theirs["id"])
    private = named(1002)
    await send(private, encoded(RED), caption="/inpaint")
    draft = data_of(await private.until(offers("Never mind")), "Never mind").split(":")[2]
    picture = data_of(mine, "⬆ 1").rpartition(":")[2]
    job = data_of(mine, "☆").rpartition(":")[2]
    forger = Forger(every_mode)
    for data in (
        "h:1002:0:0:turn:0", f"h:1002:0:0:open:{picture}", "s:1002:close:", "s:1002:menu:", f"p:star:{picture}",
        f"p:delete:{picture}", f"j:star:{job}", f"j:delete:{job}", f"a:drop:{draft}:0", f"a:cell:{draft}:4",
        f"o:more:{picture}:0", "c:1002",
    ):  # fmt: skip
        for message in (forger.shown(theirs), forger.inaccessible(theirs)):
            answer = await forger.press(1002, data, message)
            assert answer is not None and answer["alert"], data
    now = await anna.message(theirs["id"])
    assert (now["deleted"], now["edits"], now["photo"]) == (False, theirs["edits"], theirs["photo"])
    assert buttons(now) == buttons(theirs)
    assert not errors(caplog)


async def test_a_button_that_has_been_replaced_is_no_longer_there(house: House, anna: Person) -> None:
    await anna.say("/settings")
    menu = await anna.until(offers("Language"))
    before = Forger(house).shown(menu)
    await anna.press(menu, "Language")
    after = await anna.until(offers("Back"))
    forger = Forger(house)
    answer = await forger.press(anna.id, data_of(menu, "Done"), forger.shown(after))
    assert answer is not None and GONE in answer["text"]
    answer = await forger.press(anna.id, data_of(menu, "Format"), before)
    assert answer is not None and answer["text"] is None, "two quick presses come with the same buttons"


async def test_buttons_of_a_message_too_old_to_be_told_go_on_working(
    house: House, named: Callable[..., Person]
) -> None:
    anna = named(1001, "en", GROUP)
    grid = await drawn(anna)
    forger = Forger(house)
    answer = await forger.press(1001, data_of(grid, "☆"), forger.inaccessible(grid))
    assert answer is not None and "favourites" in answer["text"]
    await anna.until(lambda it: "⭐" in buttons(it))


async def test_an_edit_for_a_message_of_another_form_is_a_broken_button(
    house: House, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    grid = await drawn(anna)
    forger = Forger(house)
    answer = await forger.press(anna.id, "s:1001:size:", forger.inaccessible(grid))
    assert answer is not None
    assert not errors(caplog)
    assert (await anna.message(grid["id"]))["edits"] == grid["edits"]


async def test_a_photo_meant_for_one_of_an_albums_files_is_a_broken_button(
    house: House, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    grid = await drawn(anna)
    await anna.press(grid, "Files")
    file = await anna.until(lambda message: bool(message["document"]))
    forger = Forger(house)
    answer = await forger.press(anna.id, "h:1001:0:0:turn:0", forger.inaccessible(file))
    assert answer is not None
    assert not errors(caplog)


@pytest.mark.parametrize("number", ["²", "99999999999999999999", "9" * 5000, "٣", "-1", "1e3"])
async def test_a_number_that_counts_out_no_picture_asks_which_one_is_meant(
    every_mode: House, anna: Person, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    grid = await drawn(anna)
    for command in (f"/vary {number}", f"/tree {number}"):
        if len(command) < 4096:
            said = await anna.say(command, reply_to=grid["id"])
            await anna.until(lambda it: not is_result(it), after=said["message"]["id"])
    await anna.say(f"/info {number[:4000]}", reply_to=grid["id"])
    await anna.until(says("Recipe"))
    assert not errors(caplog)


def test_bounds_are_those_of_the_database() -> None:
    assert callbacks.MOST_ID == 2**63 - 1
