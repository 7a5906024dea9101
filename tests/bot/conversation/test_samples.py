"""🖼: what the styles of a page look like, drawn once by the model at work for everybody who ever asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from bot.jobs.belonging import write_down
from bot.modes.style import samples
from bot.modes.style.samples import samples_of
from bot.prompt.styles import styles
from bot.store import HOUSE, History, Leftovers, sweep
from bot.texts.languages import Language
from inference.queue.database import open_database
from inference.requests import Failed, Mix, ModelCard, Sheet
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import ALL_MODES, BIG, SMALL, offering
from tests.bot.conversation.test_again import handled_again, told
from tests.bot.conversation.test_groups import GROUP
from tests.bot.conversation.test_pictures_in import RED, encoded, offers, says, send
from tests.bot.conversation.test_sent_and_not_known import kill_before_writing_down, until_shown
from tests.bot.conversation.test_side_by_side import LEARNT, unfolded
from tests.e2e.chat import Message, Person, is_result
from tests.waiting import until


def is_samples(message: Message) -> bool:
    return bool(message["photo"]) and "Samples of styles" in (message["caption"] or "")


def sheets(house: House) -> list[Sheet]:
    """What has been asked of the painter for the house."""
    return [one.request for one in house.painter.submitted if isinstance(one.request, Sheet)]


async def menu_of(person: Person, words: str = "a red circle --seed 7") -> Message:
    return await unfolded(person, await person.draw(words))


async def all_waiting(house: House, *asking: tuple[Person, Message]) -> list[Message]:
    """People tap 🖼 at once, each under a menu of theirs: the messages that wait with them while the samples are drawn,
    which takes until the gate opens."""
    house.painter.gate.clear()
    house.painter.hold = "fox"
    await asyncio.gather(*(person.press(menu, "🖼 Samples") for person, menu in asking))
    return [await person.until(says("once for everybody")) for person, _menu in asking]


async def test_two_people_who_ask_at_once_get_the_same_sheet_and_later_ones_have_it_at_once(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris, clara = named(1001), named(1002), named(1003)
    first, second, third = [await menu_of(person) for person in (anna, boris, clara)]
    waiting = await all_waiting(every_mode, (anna, first), (boris, second))
    assert (await anna.press(first, "🖼 Samples"))["answer"]["text"] == "I am drawing them already."
    every_mode.painter.gate.set()
    for person, message in zip((anna, boris), waiting, strict=True):
        shown = await person.until(is_samples)
        assert shown["id"] == message["id"]
    (sheet,) = sheets(every_mode)
    eight = list(styles().values())[:8]
    assert [look.suffix for look in sheet.looks] == [style.suffix["en"] for style in eight]
    assert len(set(sheet.seeds)) == 1 and sheet.words == "a red fox asleep in fresh snow, morning light"

    await until_shown(every_mode)
    await every_mode.reopen()
    await every_mode.learns(ALL_MODES)
    await clara.press(third, "🖼 Samples")
    there = await clara.until(is_samples)
    assert there["reply_to"] == third["id"] and sheets(every_mode) == []
    await clara.press(third, "🖼 Samples")  # a finger points to it
    assert (await clara.until(says("👆 The samples are here.")))["reply_to"] == there["id"]
    assert len([one for one in await clara.messages() if is_samples(one)]) == 1


async def test_each_page_has_samples_of_its_own_and_a_photo_those_without_no_style(
    every_mode: House, anna: Person
) -> None:
    chooser = await menu_of(anna)
    await anna.press(chooser, "🖼 Samples")
    await anna.until(is_samples)
    await anna.press(chooser, "➡️")
    turned = await anna.until(lambda one: one["id"] == chooser["id"] and offers("Watercolour")(one))
    await anna.press(turned, "🖼 Samples")
    await until(lambda: len(sheets(every_mode)) == 2)
    await anna.press(turned, "⬅️")
    await send(anna, encoded(RED))
    menu = await unfolded(anna, await anna.until(lambda one: offers("🎭 Style")(one) and offers("Repaint")(one)))
    await anna.press(menu, "🖼 Samples")
    await until(lambda: len(sheets(every_mode)) == 3)
    assert len({sheet.looks for sheet in sheets(every_mode)}) == 3
    assert all(sheets(every_mode)[2].looks[place].suffix for place in range(8))


async def test_nobody_pays_for_samples_and_whoever_waits_for_a_picture_goes_first(
    every_mode: House, anna: Person
) -> None:
    chooser = await menu_of(anna)
    before = await told(every_mode, "select virtual_time from owners where owner_id = 1001")
    every_mode.painter.slots = 0
    await anna.press(chooser, "🖼 Samples")
    await anna.until(says("once for everybody"))
    assert await told(every_mode, "select virtual_time from owners where owner_id = 1001") == before
    await anna.say("a blue cat --n 1")
    await anna.until(says("next in line"))  # before the samples, which came first
    every_mode.painter.slots = 1
    await anna.until(is_samples)
    last, first = (one.request.words for one in every_mode.painter.submitted[:-3:-1])
    assert first == "a blue cat" and last.startswith("a red fox")
    assert await told(every_mode, "select owner_id, chat_id, priority from jobs where priority <> 0") == [
        (HOUSE, HOUSE, -1)
    ]
    await anna.say("/history")
    assert "5 pictures" in (await anna.until(says("Your pictures")))["caption"]
    await anna.say("/cancel")
    assert "nothing to cancel" in (await anna.until(says("nothing to cancel")))["text"]


async def test_in_russian_by_a_model_that_reads_it_the_names_and_the_words_are_russian(
    house: House, named: Callable[..., Person]
) -> None:
    await house.learns(LEARNT)
    anna, vera = named(1001), named(1004, "ru")
    await anna.press(await menu_of(anna, "a red circle --n 2"), "🖼 Samples")
    await anna.until(is_samples)
    await vera.press(await menu_of(vera, "красный круг --n 2"), "🖼 Примеры")
    assert "красный круг на синем фоне" in (await vera.until(says("Примеры стилей")))["caption"]
    assert [sheet.words for sheet in sheets(house)] == ["a red circle on blue", "красный круг на синем фоне"]


async def test_other_weights_draw_new_samples_and_the_old_ones_go(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001), named(1002)
    chooser = await menu_of(anna)
    await anna.press(chooser, "🖼 Samples")
    old = await anna.until(is_samples)
    await until_shown(every_mode)
    kept = await told(every_mode, f"select blob from pictures where owner_id = {HOUSE} and deleted_at is null")
    assert len(kept) == 8
    await every_mode.learns(ALL_MODES.model_copy(update={"revisions": {"flash": "0123456789ab"}}))
    await boris.press(await menu_of(boris), "🖼 Samples")
    await boris.until(is_samples)
    await until_shown(every_mode)
    now = await told(every_mode, f"select job_id from pictures where owner_id = {HOUSE} and deleted_at is null")
    assert len(sheets(every_mode)) == 2 and len(now) == 8 and len(set(now)) == 1
    files = [blob for (blob,) in kept]
    assert all(every_mode.painter.blobs.exists(blob) for blob in files), "somebody may be just looking at them"
    database = open_database(f"sqlite+aiosqlite:///{every_mode.folder}/studio.db")
    await sweep.sweep(Leftovers(database), every_mode.painter.blobs, time.time() + 1)
    await database.dispose()
    assert not any(every_mode.painter.blobs.exists(blob) for blob in files)
    await anna.press(chooser, "🖼 Samples")  # the sheet of before stays what it was, and is not taken for the new one
    await anna.until(is_samples, after=old["id"])
    assert len(sheets(every_mode)) == 2


async def test_a_restart_while_they_are_drawn_loses_neither_them_nor_who_waits(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001), named(1002)
    first, second = await menu_of(anna), await menu_of(boris)
    await all_waiting(every_mode, (anna, first), (boris, second))
    await every_mode.reopen()
    for person in (anna, boris):
        await person.until(is_samples)
        assert len([one for one in await person.messages() if one["id"] > 2 and is_samples(one)]) == 1
    await until_shown(every_mode)
    assert await told(every_mode, f"select count(*) from jobs where owner_id = {HOUSE}") == [(1,)]


async def test_a_press_that_is_handled_again_after_a_crash_changes_nothing(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    chooser = await menu_of(anna)

    async def ask(person: Person) -> None:
        await person.press(chooser, "🖼 Samples")
        await person.until(is_samples)

    await handled_again(every_mode, anna, monkeypatch, ask)


async def test_a_kill_before_it_is_written_down_who_waits_leaves_one_message(every_mode: House, anna: Person) -> None:
    chooser = await menu_of(anna)
    card = every_mode.painter.card
    with pytest.MonkeyPatch.context() as patch:
        lost = kill_before_writing_down(patch, "status")
        await anna.press(chooser, "🖼 Samples")
        await until(lambda: bool(lost))
        await every_mode.close()
    every_mode.painter = every_mode.new_painter()
    every_mode.painter.card = card
    await every_mode.open()
    shown = await anna.until(is_samples)
    assert shown["id"] == lost[0]
    assert [one for one in await anna.messages() if says("once for everybody")(one)] == []


async def test_a_failure_is_told_to_everybody_who_waits_and_the_next_tap_tries_again(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001), named(1002)
    first, second = await menu_of(anna), await menu_of(boris)
    every_mode.painter.failure = Failed(code="internal", message="broken")
    await all_waiting(every_mode, (anna, first), (boris, second))
    every_mode.painter.gate.set()
    for person in (anna, boris):
        await person.until(says("I could not draw the samples"))
    await until_shown(every_mode)
    every_mode.painter.failure = None
    await anna.press(first, "🖼 Samples")
    await anna.until(is_samples)


async def test_a_message_that_was_passed_over_when_they_were_brought_has_them_with_the_next_tap(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    chooser = await menu_of(anna)

    async def late(history: History, message: Any, **fields: Any) -> None:
        if fields["kind"] == "status":
            await until(lambda: told(every_mode, f"select id from jobs where owner_id = {HOUSE} and shown_at > 0"))
        await write_down(history, message, **fields)

    async def lost(_studio: object, _job: object) -> None:
        raise RuntimeError("the power went off")

    with monkeypatch.context() as patch:
        patch.setattr(samples, "write_down", late)
        patch.setattr(samples, "bring", lost)
        await anna.press(chooser, "🖼 Samples")
        waiting = await anna.until(says("once for everybody"))
        await anna.until(says("Something went wrong"))
    await anna.press(chooser, "🖼 Samples")
    assert (await anna.until(is_samples))["id"] == waiting["id"]
    assert (await anna.until(says("👆 The samples are here.")))["reply_to"] == waiting["id"]
    assert len(sheets(every_mode)) == 1


async def test_what_is_made_of_a_sample_can_be_repeated_by_its_owner_from_the_file_and_by_others_in_the_group(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, chat=GROUP), named(1002, chat=GROUP)
    said = await anna.say("/imagine a red circle --seed 7")
    grid = await anna.until(is_result, after=said["message"]["id"])
    await anna.press(await unfolded(anna, grid), "🖼 Samples")
    shown = await anna.until(is_samples)
    await until_shown(every_mode)
    await anna.say("/vary 2", reply_to=shown["id"])
    varied = await anna.until(is_result, after=shown["id"])
    first = every_mode.painter.submitted[-1].request
    assert isinstance(first, Mix)
    await boris.press(varied, "🔄 Again")
    again = await boris.until(is_result, after=varied["id"])
    second = every_mode.painter.submitted[-1].request
    assert isinstance(second, Mix) and second.images == first.images

    await anna.press(varied, "📄")
    file = await anna.until(lambda one: bool(one["document"]), after=again["id"])
    alone = named(1001)
    await send(alone, await alone.bytes_of(file["document"]), kind="document")
    await alone.press(await alone.until(says("📜")), "🔁")
    await alone.until(is_result)
    third = every_mode.painter.submitted[-1].request
    assert isinstance(third, Mix) and third.images == first.images


async def test_one_who_takes_nothing_any_more_keeps_nobody_from_the_samples(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001), named(1002)
    first, second = await menu_of(anna), await menu_of(boris)
    gone, _there = await all_waiting(every_mode, (anna, first), (boris, second))
    assert every_mode.studio is not None
    await every_mode.studio.bot.delete_message(anna.id, gone["id"])
    every_mode.painter.gate.set()
    await boris.until(is_samples)
    await until_shown(every_mode)
    assert await told(every_mode, "select count(*) from posts where kind = 'status' and job_id = 3") == [(0,)]


@pytest.mark.parametrize(
    ("card", "language", "words"),
    [
        (BIG, "ru", "a red fox asleep in fresh snow, morning light"),
        (BIG, "en", "a red fox asleep in fresh snow, morning light"),
        (LEARNT, "ru", "красный круг на синем фоне"),
    ],
)
def test_the_subject_is_the_first_example_in_a_language_that_the_model_reads(
    card: ModelCard, language: Language, words: str
) -> None:
    drawn = samples_of(card, list(styles().values())[:8], language)
    assert drawn is not None and drawn.made.request.words == words


def test_the_key_tells_apart_whatever_would_look_otherwise() -> None:
    eight, seven = list(styles().values())[:8], list(styles().values())[:7]
    other = BIG.model_copy(update={"revisions": {"flash": "ab"}})
    made = [
        samples_of(BIG, eight, "en"),
        samples_of(BIG, eight, "ru"),
        samples_of(BIG, seven, "en"),
        samples_of(other, eight, "en"),
        samples_of(offering(BIG, "full"), eight, "en"),
    ]
    keys = {one.key for one in made if one is not None}
    assert len(keys) == len(made) and max(map(len, keys)) <= 64
    again = samples_of(BIG, eight, "en")
    assert again is not None and again.key in keys


def test_there_are_none_of_a_single_style_or_by_a_model_that_draws_nothing_from_words() -> None:
    eight = list(styles().values())[:8]
    assert samples_of(BIG, eight[:1], "en") is None
    assert samples_of(offering(BIG, "mix"), eight, "en") is None
    assert (
        samples_of(SMALL.model_copy(update={"examples": SMALL.examples.model_copy(update={"en": ()})}), eight, "en")
        is None
    )
