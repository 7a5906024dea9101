"""🆎: one tap draws the same words and the same seed in several styles, as one labelled sheet to go on from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.prompt.styles import styles
from inference.requests import Failed, FlashTextToImage, Mix, Sheet, Texts
from tests.bot.conversation.conftest import House
from tests.bot.conversation.forging import Forger
from tests.bot.conversation.making import made
from tests.bot.conversation.painter import BIG, SMALL, offering
from tests.bot.conversation.test_again import handled_again, told
from tests.bot.conversation.test_groups import GROUP
from tests.bot.conversation.test_pictures_in import RED, encoded, offers, says, send
from tests.bot.conversation.test_sent_and_not_known import kill_before_writing_down, live
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until

LEARNT = SMALL.model_copy(
    update={
        "styles": {
            "watercolour": Texts(ru="акварель", en="watercolour"),
            "kandinsky": Texts(ru="в стиле Кандинского", en="in the style of Kandinsky"),
            "malevich": Texts(ru="в стиле Малевича", en="in the style of Malevich"),
            "mondrian": Texts(ru="в стиле Мондриана", en="in the style of Mondrian"),
            "lines": Texts(ru="рисунок линиями", en="line drawing"),
        }
    }
)


async def unfolded(person: Person, message: Message) -> Message:
    await person.press(message, "🎭")
    return await person.until(lambda one: one["id"] == message["id"] and offers("🆎")(one))


async def compared(house: House, person: Person, message: Message, button: str) -> tuple[Message, Sheet]:
    """The sheet that a button of the styles draws, and what was asked of the painter for it."""
    shown, request = await made(house, person, message, button)
    assert isinstance(request, Sheet)
    return shown, request


def opens(message: Message) -> list[str]:
    return [name for name in buttons(message) if name.startswith("⬆")]


async def test_four_styles_of_the_page_are_drawn_with_one_seed_on_one_sheet(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 7")
    chooser = await unfolded(anna, grid)
    sheet, request = await compared(every_mode, anna, chooser, "Upper four")
    four = list(styles().values())[:4]
    assert request.seeds == (7, 7, 7, 7)
    assert [request.alone(tile).words for tile in range(4)] == [
        "a red circle",
        *(f"a red circle, {style.suffix['en']}" for style in four[1:]),
    ]
    assert opens(sheet) == [f"⬆ {style.names['en']}" for style in four]
    assert sheet["caption"].startswith("🆎 Styles side by side\na red circle")
    assert "seed 7" in sheet["caption"] and "✏️ Edit" not in buttons(sheet)
    photo = await anna.picture(sheet["photo"])
    assert photo.width == photo.height > 2 * 256

    await anna.press(chooser, "Upper four")  # it is there: a finger points to it
    assert (await anna.until(says("👆 These are drawn already.")))["reply_to"] == sheet["id"]
    await anna.press(chooser, "➡️")
    turned = await anna.until(lambda one: one["id"] == grid["id"] and offers("Watercolour")(one))
    _sheet, other = await compared(every_mode, anna, turned, "Lower four")
    assert [look.suffix for look in other.looks] == [style.suffix["en"] for style in list(styles().values())[12:16]]
    assert len(every_mode.painter.submitted) == 3


async def test_a_tap_on_a_name_goes_on_with_that_picture(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 7")
    sheet, request = await compared(every_mode, anna, await unfolded(anna, grid), "Upper four")
    await anna.press(sheet, "⬆ Anime")
    single = await anna.until(offers("📄 File"), after=sheet["id"])
    assert (
        single["caption"].startswith("a red circle") and "Anime" in single["caption"] and "seed 7" in single["caption"]
    )
    assert "🔄 Again" not in buttons(single), "which would draw all of the sheet"
    assert "⬆ Anime ✓" in buttons(await anna.until(lambda one: one["id"] == sheet["id"] and offers("✓")(one)))

    await anna.press(single, "ℹ️")
    recipe = await anna.until(says("📜"), after=single["id"])
    assert "Style: Anime" in recipe["text"] and "--style anime" in recipe["text"] and "--n 1" in recipe["text"]
    await anna.press(recipe, "🔁")
    repeated = await anna.until(is_result, after=recipe["id"])
    again = every_mode.painter.submitted[-1].request
    assert again == request.alone(1) and isinstance(again, FlashTextToImage)

    await anna.press(single, "🎭")
    chooser = await anna.until(lambda one: one["id"] == single["id"] and offers("🆎")(one))
    assert [name for name in buttons(chooser) if "✓" in name] == ["🌸 Anime ✓"]
    await anna.press(sheet, "🎨 2")
    await anna.until(is_result, after=repeated["id"])
    varied = every_mode.painter.submitted[-1].request
    assert isinstance(varied, Mix) and varied.prompt.startswith("a red circle, anime")


async def test_the_whole_sheet_has_a_recipe_files_and_again_with_a_new_seed(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 7")
    sheet, request = await compared(every_mode, anna, await unfolded(anna, grid), "Upper four")
    await anna.press(sheet, "ℹ️")
    recipe = (await anna.until(says("📜"), after=sheet["id"]))["text"]
    assert "Styles: No style, Anime, Detailed photo, Cyberpunk" in recipe and "Seed: 7\n" in recipe
    await anna.press(sheet, "📄 Files")
    await anna.until(lambda one: bool(one["document"]), after=sheet["id"])
    again, other = await compared(every_mode, anna, sheet, "🔄 Again")
    assert other.looks == request.looks and len(set(other.seeds)) == 1 and other.seeds != request.seeds
    assert opens(again) == opens(sheet)
    await anna.press(again, "⬆ Cyberpunk")
    single = await anna.until(offers("📄 File"), after=again["id"])
    assert f"seed {other.seeds[0]}" in single["caption"]


async def test_in_russian_with_a_small_model_in_its_own_words(house: House, named: Callable[..., Person]) -> None:
    await house.learns(LEARNT)
    vera = named(1003, "ru")
    grid = await vera.draw("красный круг --n 2 --seed 3")
    chooser = await unfolded(vera, grid)
    assert [name for name in buttons(chooser) if "🆎" in name] == ["🆎 Верхние четыре", "🆎 Нижние четыре"]
    sheet, request = await compared(house, vera, chooser, "Нижние четыре")  # the last four of six
    assert len(opens(sheet)) == 4 and opens(sheet)[-1].startswith("⬆ ")
    assert all(look.suffix in {texts.ru for texts in LEARNT.styles.values()} for look in request.looks)
    assert sheet["caption"].startswith("🆎 Стили рядом\nкрасный круг")


async def test_words_are_translated_once_and_the_styles_are_not(
    every_mode: House, named: Callable[..., Person]
) -> None:
    await every_mode.learns(offering(BIG, "flash", "full", "translate"))
    every_mode.painter.answers["красный круг"] = "a red circle"
    vera = named(1003, "ru")
    grid = await vera.draw("красный круг --seed 3")
    before = len(every_mode.painter.submitted)
    sheet, request = await compared(every_mode, vera, await unfolded(vera, grid), "Верхние четыре")
    assert [one.request.kind for one in every_mode.painter.submitted[before:]] == ["translate", "sheet"]
    assert [request.alone(tile).words for tile in (0, 1)] == [
        "a red circle",
        f"a red circle, {styles()['anime'].suffix['en']}",
    ]
    assert opens(sheet)[1] == "⬆ Аниме"


async def test_a_photo_is_drawn_as_the_picture_and_each_of_the_styles(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED))
    menu = await anna.until(offers("🎭 Style"))
    sheet, request = await compared(every_mode, anna, await unfolded(anna, menu), "Upper four")
    assert isinstance(request.of, Mix) and request.of.prompt == ""
    assert [look.suffix for look in request.looks] == [style.suffix["en"] for style in list(styles().values())[1:5]]
    assert len(opens(sheet)) == 4
    assert await told(every_mode, "select count(*) from picture_parents where upload_id is not null") == [(4,)]


async def test_a_model_that_knows_no_styles_offers_none_and_an_old_button_says_so(house: House, anna: Person) -> None:
    await house.learns(LEARNT)
    grid = await anna.draw("a red circle --n 2 --seed 1")
    chooser = await unfolded(anna, grid)
    await house.learns(SMALL)
    answer = (await anna.press(chooser, "Upper four"))["answer"]
    assert "too few styles" in answer["text"] and answer["alert"]
    assert len(house.painter.submitted) == 1
    other = await anna.draw("a blue cat --n 2")
    assert not any("🎭" in name for name in buttons(other))


async def test_it_is_paid_and_admitted_as_four_and_can_be_cancelled(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --n 1 --seed 7")
    chooser = await unfolded(anna, grid)
    every_mode.painter.gate.clear()
    every_mode.painter.hold = "red"
    await anna.press(chooser, "Upper four")
    status = await anna.until(lambda one: "❌ Cancel" in buttons(one))
    assert (await anna.press(chooser, "Upper four"))["answer"]["text"] == "It is already in line."
    one, four = (cost for (cost,) in await told(every_mode, "select cost from jobs order by id"))
    assert four == pytest.approx(4 * one)
    await anna.press(status, "❌ Cancel")
    await anna.until(lambda message: message["id"] == status["id"] and "Try again" in str(buttons(message)))
    every_mode.painter.gate.set()
    retried, _request = await compared(every_mode, anna, await anna.message(status["id"]), "Try again")
    assert len(opens(retried)) == 4


async def test_in_a_group_it_is_for_whoever_owns_the_picture(every_mode: House, named: Callable[..., Person]) -> None:
    anna, other = named(1001, chat=GROUP), named(1002, chat=GROUP)
    said = await anna.say("/imagine a red circle --seed 7")
    grid = await anna.until(is_result, after=said["message"]["id"])
    chooser = await unfolded(anna, grid)
    data = next(key["data"] for row in chooser["buttons"] for key in row if "Upper four" in key["text"])
    answer = await Forger(every_mode).press(1002, data, Forger(every_mode).carrying(chooser, data))
    assert answer is not None and "somebody else" in answer["text"]
    sheet, request = await compared(every_mode, anna, chooser, "Upper four")
    assert len(request.looks) == 4 and len(opens(sheet)) == 4
    assert other.chat == GROUP


async def test_after_any_crash_there_is_one_sheet(
    every_mode: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = await anna.draw("a red circle --seed 7")
    chooser = await unfolded(anna, grid)

    async def compare(person: Person) -> None:
        await person.press(chooser, "Upper four")
        await person.until(lambda one: is_result(one) and len(opens(one)) == 4 and "🆎" in one["caption"])

    await handled_again(every_mode, anna, monkeypatch, compare)
    assert await told(every_mode, "select count(*) from jobs") == [(2,)]


@pytest.mark.parametrize("kind", ["status", "grid"])
async def test_a_kill_at_either_end_leaves_one_labelled_sheet(every_mode: House, anna: Person, kind: str) -> None:
    grid = await anna.draw("a red circle --seed 7")
    chooser = await unfolded(anna, grid)
    card = every_mode.painter.card
    with pytest.MonkeyPatch.context() as patch:
        lost = kill_before_writing_down(patch, kind)
        await anna.press(chooser, "Upper four")
        await until(lambda: bool(lost))
        await every_mode.close()
    every_mode.painter = every_mode.new_painter()
    every_mode.painter.card = card
    await every_mode.open()
    sheet = await anna.until(lambda one: is_result(one) and "🆎" in one["caption"] and len(opens(one)) == 4)
    shown = [one for one in await anna.messages() if one["from"]["is_bot"] and not one["deleted"] and live(one)]
    assert shown == []
    assert len([one for one in await anna.messages() if not one["deleted"] and "🆎" in (one["caption"] or "")]) == 1
    assert await told(every_mode, "select count(*) from pictures") == [(8,)]
    await anna.press(sheet, "⬆ Anime")
    assert "Anime" in (await anna.until(offers("📄 File"), after=sheet["id"]))["caption"]


async def test_a_failure_is_told_as_one_and_tried_again_as_one(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 7")
    chooser = await unfolded(anna, grid)
    every_mode.painter.failure = Failed(code="internal", message="broken")
    await anna.press(chooser, "Upper four")
    failed = await anna.until(offers("Try again"))
    assert "Edit" not in str(buttons(failed))
    every_mode.painter.failure = None
    sheet, _request = await compared(every_mode, anna, failed, "Try again")
    assert len(opens(sheet)) == 4


async def test_a_sheet_that_is_stopped_keeps_its_names_and_its_recipe_tells_of_what_is_there(
    every_mode: House, anna: Person
) -> None:
    grid = await anna.draw("a red circle --seed 7")
    chooser = await unfolded(anna, grid)
    every_mode.painter.gate.clear()
    every_mode.painter.hold = "red"
    every_mode.painter.whole = 2
    await anna.press(chooser, "Upper four")
    status = await anna.until(lambda one: "❌ Cancel" in buttons(one))
    await until(lambda: len(every_mode.painter.submitted) == 2)
    await anna.press(status, "❌ Cancel")
    sheet = await anna.until(lambda one: one["id"] == status["id"] and len(opens(one)) == 2)
    assert opens(sheet) == ["⬆ No style", "⬆ Anime"]
    every_mode.painter.gate.set()
    await anna.press(sheet, "ℹ️")
    assert "Styles: No style, Anime\n" in (await anna.until(says("📜"), after=sheet["id"]))["text"]
