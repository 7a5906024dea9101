"""🎭: the same words and the same seeds in another style, from a grid, a single picture, a photo of one's own."""

from __future__ import annotations

import json

import pytest

from bot.jobs.compose import Asked, painted_styles
from bot.modes.drawing import from_words
from bot.modes.style.buttons import STYLES_ON_A_PAGE
from bot.prompt import parse
from bot.prompt.styles import PLAIN_STYLE, styles
from bot.store import Preferences
from inference.nano.card import STYLES
from inference.nano.export import WEIGHTS
from inference.requests import FlashTextToImage, Mix, Texts
from tests.bot.conversation.conftest import House
from tests.bot.conversation.making import made
from tests.bot.conversation.painter import SMALL
from tests.bot.conversation.test_pictures_in import RED, encoded, offers, send
from tests.e2e.chat import Message, Person, buttons

LEARNT = SMALL.model_copy(
    update={"styles": {"watercolour": Texts(ru="акварель", en="watercolour"), "kandinsky": Texts(ru="К", en="K")}}
)


async def unfolded(anna: Person, message: Message) -> Message:
    await anna.press(message, "🎭 Style")
    return await anna.until(lambda one: one["id"] == message["id"] and offers("↩️ Back")(one))


async def test_a_tap_draws_a_grid_with_the_same_words_and_seeds_in_that_style(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 7")
    first = every_mode.painter.submitted[-1].request
    before = buttons(grid)
    chooser = await unfolded(anna, grid)
    assert len(buttons(chooser)) == STYLES_ON_A_PAGE + 6
    assert [name for name in buttons(chooser) if "✓" in name] == ["⚪ No style ✓"]

    result, request = await made(every_mode, anna, chooser, "Anime")
    assert isinstance(first, FlashTextToImage) and isinstance(request, FlashTextToImage)
    assert (request.seeds, request.size) == (first.seeds, first.size)
    assert request.prompt == f"a red circle, {styles()['anime'].suffix['en']}"
    assert "Anime" in result["caption"]

    await anna.press(chooser, "Anime")  # it is there: a finger points to it
    finger = await anna.until(lambda one: (one["text"] or "").startswith("👆"))
    assert finger["reply_to"] == result["id"]
    assert len(every_mode.painter.submitted) == 2
    assert (await anna.press(chooser, "No style"))["answer"]["text"] == "It is in this style already."

    chosen = await unfolded(anna, result)
    assert [name for name in buttons(chosen) if "✓" in name] == ["🌸 Anime ✓"]
    _result, plain = await made(every_mode, anna, chosen, "No style")
    assert plain == first
    await anna.press(chooser, "Back")
    await anna.until(lambda one: one["id"] == grid["id"] and buttons(one) == before)


async def test_one_picture_keeps_its_seed_and_what_it_was_made_from(every_mode: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --seed 7")
    await anna.press(grid, "⬆ 3")
    single = await anna.until(offers("📄 File"), after=grid["id"])
    chooser = await unfolded(anna, single)
    await anna.press(chooser, "➡️")
    turned = await anna.until(lambda one: one["id"] == single["id"] and offers("Watercolour")(one))
    watercolour, request = await made(every_mode, anna, turned, "Watercolour")
    assert request.seeds == (9,)
    assert request.words.startswith("a red circle, watercolour")

    varied, variation = await made(every_mode, anna, watercolour, "Strong")
    assert isinstance(variation, Mix)
    await anna.press(await unfolded(anna, varied), "⬅️")  # it unfolds where its own style stands
    turned = await anna.until(lambda one: one["id"] == varied["id"] and offers("No style")(one))
    _result, restyled = await made(every_mode, anna, turned, "No style")
    assert isinstance(restyled, Mix)
    assert (restyled.prompt, restyled.seeds, restyled.each) == ("a red circle", variation.seeds, variation.each)
    assert restyled.images == variation.images

    enlarged, _request = await made(every_mode, anna, watercolour, "×2")  # without words: the picture and the style
    _result, of_picture = await made(every_mode, anna, await unfolded(anna, enlarged), "Anime")
    assert isinstance(of_picture, Mix)
    assert of_picture.prompt == styles()["anime"].suffix["en"]


async def test_a_photo_is_drawn_as_the_picture_and_the_style(every_mode: House, anna: Person) -> None:
    await send(anna, encoded(RED))
    menu = await anna.until(offers("🎭 Style"))
    chooser = await unfolded(anna, menu)
    assert not any("No style" in name or "✓" in name for name in buttons(chooser))
    result, request = await made(every_mode, anna, chooser, "Cyberpunk")
    assert isinstance(request, Mix)
    assert request.prompt == styles()["cyberpunk"].suffix["en"]
    assert "Cyberpunk" in result["caption"]
    await anna.press(chooser, "Back")
    await anna.until(lambda one: one["id"] == menu["id"] and offers("Repaint")(one))


async def test_a_small_model_offers_what_it_has_learnt_in_its_own_words(house: House, anna: Person) -> None:
    await house.learns(LEARNT)
    grid = await anna.draw("a red circle --n 2 --seed 1")
    chooser = await unfolded(anna, grid)
    assert sorted(buttons(chooser)) == sorted(
        ["⚪ No style ✓", "🔺 Kandinsky", "💧 Watercolour", "🆎 Side by side", "🖼 Samples", "↩️ Back"]
    )
    _result, request = await made(house, anna, chooser, "Watercolour")
    assert request.words == "a red circle, watercolour"
    await anna.say("/styles")
    listed = await anna.until(offers("Watercolour"), after=chooser["id"] + 1)
    assert "🎭 under a picture" in (await anna.until(lambda one: "Your usual style" in (one["text"] or "")))["text"]
    assert listed


def test_what_the_small_model_has_learnt_are_styles_of_the_studio_and_its_card_says_so() -> None:
    assert STYLES.keys() <= styles().keys()
    assert json.loads((WEIGHTS / "card.json").read_text("utf-8"))["styles"] == STYLES


@pytest.mark.parametrize(
    ("card", "words", "drawn", "remarks"),
    [
        (LEARNT, "красный круг --style акварель", "красный круг, акварель", []),
        (LEARNT, "a red circle --style anime", "a red circle", ["style_unknown_here"]),
        (SMALL, "a red circle --style watercolour", "a red circle", ["style_unknown_here"]),
        (LEARNT, "a red circle --style none", "a red circle", []),
    ],
)
def test_a_style_is_said_in_the_words_that_the_card_knows(
    card: object, words: str, drawn: str, remarks: list[str]
) -> None:
    composed = from_words(Asked(parse(words), Preferences(), card))  # type: ignore[arg-type]
    assert (composed.request.words, [said.code for said in composed.remarks]) == (drawn, remarks)
    assert painted_styles(None)[0].slug == PLAIN_STYLE
