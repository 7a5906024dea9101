"""History is a workplace: what is opened in it has all its buttons and the way back; it is looked through by words."""

from __future__ import annotations

from collections.abc import Callable

from bot.store.words import beginnings, searchable
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_pictures_in import offers, says
from tests.e2e.chat import Message, Person, buttons


async def asked(person: Person, text: str, answer: Callable[[Message], bool], **fields: object) -> Message:
    said = await person.say(text, **fields)
    return await person.until(answer, after=said["message"]["id"])


async def test_a_picture_opened_in_history_has_all_its_buttons_and_keeps_the_way_back(
    every_mode: House, anna: Person
) -> None:
    single = await anna.draw("a red circle --n 1 --seed 7")
    page = await asked(anna, "/history", offers("Favourites"))
    await anna.press(page, "1")
    opened = await anna.until(lambda it: it["id"] == page["id"] and "↩️ Back" in buttons(it))
    everything = set(buttons(single)) - {"☆", "🗑"}
    assert everything <= set(buttons(opened)) and "a red circle" in opened["caption"]
    await anna.press(opened, "☆")
    opened = await anna.until(lambda it: it["id"] == page["id"] and "⭐" in buttons(it))
    await anna.press(opened, "More")
    unfolded = await anna.until(lambda it: it["id"] == page["id"] and "⋯ More" not in str(buttons(it)))
    await anna.press(unfolded, "Back")
    opened = await anna.until(lambda it: it["id"] == page["id"] and "⭐" in buttons(it))
    for number, button in enumerate(("Subtle", "Again"), start=1):  # ordered from here, and the way back stays
        await anna.press(opened, button)
        opened = await anna.until(
            lambda it, ticks=number: it["id"] == page["id"] and str(buttons(it)).count("✓") == ticks
        )
        assert "↩️ Back" in buttons(opened)
    varied = await asked(anna, "/info", says("seed"), reply_to=page["id"])
    assert "Seed: 7" in varied["text"], "an answer to the page means the picture that is opened in it"
    await anna.press(await anna.message(page["id"]), "Back")
    await anna.until(lambda it: it["id"] == page["id"] and "Your pictures" in it["caption"])


async def test_history_is_looked_through_by_words(house: House, named: Callable[..., Person]) -> None:
    vera = named(1003, "ru")
    for words in ("красный круг на синем фоне", "синий кот", "красная лиса и кот", "зелёный круг"):
        await vera.draw(f"{words} --n 1")
    for said, found in (
        ("лису", 1),
        ("Круг", 2),
        ("красную", 2),
        ("синего кота", 1),
        ("зеленый", 1),
        ("история кота", 0),
    ):
        answer = await asked(vera, f"/history {said}", lambda it: bool(it["text"] or it["caption"]))
        text = answer["caption"] or answer["text"]
        assert f"«{said}»" in text and (f"· {found} " in text or (found == 0 and "не нашлось" in text)), said
    page = await asked(vera, "/history кот", says("2 картинки"))
    await vera.press(page, "2")
    opened = await vera.until(lambda it: it["id"] == page["id"] and "↩️ Назад" in buttons(it))
    assert "синий кот" in opened["caption"]
    await vera.press(opened, "☆")
    await vera.press(await vera.until(lambda it: it["id"] == page["id"] and "⭐" in buttons(it)), "Назад")
    page = await vera.until(lambda it: it["id"] == page["id"] and "«кот» · 2 картинки" in it["caption"])
    await vera.press(page, "избранное")
    await vera.until(lambda it: it["id"] == page["id"] and "⭐ «кот» · 1 картинка" in it["caption"])
    boris = named(1002)
    await asked(boris, "/history circle", says("no picture of yours"))


def test_words_are_compared_without_endings_case_and_dots() -> None:
    kept = searchable("Рыжая ЛИСА в лесу, ёлка", "foxes and 100% snow_flakes")
    for said in ("лису", "лесом", "рыжей", "елки", "fox", "Foxes", "100"):
        assert all(beginning in kept for beginning in beginnings(said)), said
    for said in ("иса", "кот", "ель", "%", "_"):
        assert not beginnings(said) or not all(beginning in kept for beginning in beginnings(said)), said
