"""Variations: the header says what was pressed, the four differ, and each can be made again."""

from __future__ import annotations

import pytest

from bot.jobs.compose import Asked
from bot.modes.drawing import spread
from bot.modes.vary import vary
from bot.prompt import PromptLine, parse
from bot.store import Given, Preferences
from inference.requests import Mix, Source, parse_request
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import ALL_MODES
from tests.bot.conversation.test_pictures_in import says
from tests.e2e.chat import Message, Person, is_result

GIVEN = Given(source=Source(blob="a" * 64, width=256, height=256))
FOUR = (1.25, 1.083, 0.917, 0.75)


def mixed(house: House) -> Mix:
    request = house.painter.submitted[-1].request
    assert isinstance(request, Mix)
    return request


async def after_press(anna: Person, message: Message, button: str, seen: str = "") -> Message:
    newest = max(int(one["id"]) for one in await anna.messages())
    await anna.press(message, button)
    return await anna.until(lambda one: says(seen)(one) and (bool(seen) or is_result(one)), after=newest)


async def test_a_variation_says_so_and_its_four_can_be_made_again_from_the_recipe(
    every_mode: House, anna: Person
) -> None:
    grid = await anna.draw("a red circle --seed 7")
    varied = await after_press(anna, grid, "🎨 2")
    assert varied["caption"].startswith("🎨 Variations\na red circle")
    request = mixed(every_mode)
    assert (request.prompt, request.each) == ("a red circle", FOUR)

    recipe = await after_press(anna, varied, "Recipe", "Recipe")
    assert "× 1.25; 1.083; 0.917; 0.75" in recipe["text"]
    await after_press(anna, recipe, "Repeat exactly")
    assert mixed(every_mode) == request

    single = await after_press(anna, varied, "⬆ 2", "seed")
    recipe = await after_press(anna, single, "Recipe", "Recipe")
    assert "1.083" in recipe["text"]
    again = await after_press(anna, recipe, "Repeat exactly")
    assert again["caption"].startswith("🎨 Variation\na red circle")
    assert mixed(every_mode) == request.alone(1)
    assert mixed(every_mode).each == (1.083,)

    one = await after_press(anna, single, "Strong")  # a single one may be asked for, too
    assert one["caption"].startswith("🎨 Variation")
    assert mixed(every_mode).each == (0.75, 0.65, 0.55, 0.45)

    await anna.say("at night --n 2", reply_to=(await after_press(anna, one, "Edit", "Tap the words"))["id"])
    await anna.until(lambda message: is_result(message) and says("at night")(message))
    assert (mixed(every_mode).prompt, mixed(every_mode).each) == ("at night", (0.75, 0.45))


def composed(words: str) -> Mix:
    line: PromptLine = parse(words, ("iw", "apart", "n", "seed"))
    request = vary(Asked(line, Preferences(), ALL_MODES), GIVEN).request
    assert isinstance(request, Mix)
    return request


@pytest.mark.parametrize(
    ("said", "each"),
    [
        ("", FOUR),
        ("--n 1", (1.0,)),
        ("--n 2 --apart 0.5", (1.5, 0.5)),
        ("--n 3 --iw 1.9 --apart 0.4", (2.0, 1.9, 1.5)),
        ("--n 2 --разброс 0", (1.0, 1.0)),
    ],
)
def test_how_far_variations_lie_apart_may_be_said(said: str, each: tuple[float, ...]) -> None:
    assert composed(said).each == each


def test_a_spread_stays_within_what_the_net_takes() -> None:
    assert spread(0.1, 1.0, 3) == (1.1, 0.1, 0.0)


def test_what_was_ordered_before_variations_lay_apart_reads_on() -> None:
    stored = composed("--n 2 --seed 1").model_copy(update={"each": ()}).model_dump_json()
    assert "each" not in stored
    assert parse_request(stored).alone(1).seeds == (2,)
