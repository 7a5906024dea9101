"""The line of a recipe draws exactly the same when it is sent; where no line can, none is offered."""

from __future__ import annotations

from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_pictures_in import offers
from tests.e2e.chat import Message, Person, buttons, is_result


async def recipe_of(person: Person, result: Message) -> Message:
    said = await person.say("/info", reply_to=result["id"])
    return await person.until(offers("Repeat exactly"), after=said["message"]["id"])


def line_of(recipe: Message) -> str:
    """What Telegram lets people copy with a tap; offsets count UTF-16."""
    line = next(it for it in recipe["entities"] if it["type"] == "pre")
    return recipe["text"].encode("utf-16-le")[2 * line["offset"] :][: 2 * line["length"]].decode("utf-16-le")


async def test_a_line_that_is_offered_draws_exactly_the_same_and_is_offered_for_nothing_else(
    every_mode: House, anna: Person
) -> None:
    painted = every_mode.painter.submitted
    for words in (
        "a red circle --n 2 --seed 7 --ar 16:9 --style anime",
        "a blue cat --full --steps 30 --cfg 4.5 --no text, people --n 1",
        "a fox -- with a dash, 50% --n 3",
    ):
        result = await anna.draw(words)
        first = painted[-1].request
        recipe = await recipe_of(anna, result)
        assert "📋 Copy" in buttons(recipe)
        await anna.draw(line_of(recipe))
        assert painted[-1].request == first, words
    single = await anna.draw("a red circle --n 1 --seed 7")
    for command in ("/vary", "/upscale", "/control a blue cat", "/restyle a blue cat --strength 0.5"):
        said = await anna.say(command, reply_to=single["id"])
        recipe = await recipe_of(anna, await anna.until(is_result, after=said["message"]["id"]))
        assert "📋 Copy" not in buttons(recipe), command
        assert not [it for it in recipe["entities"] if it["type"] == "pre"], command
