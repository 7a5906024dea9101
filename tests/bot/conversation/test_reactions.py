"""What a reaction of whoever owns a picture does, and that of anybody else does not."""

from __future__ import annotations

from collections.abc import Callable

from bot.conversation.reactions import AGAIN, FAVOURITE, UNWANTED
from bot.playground.schema import allowed_reactions
from tests.bot.conversation.conftest import House
from tests.bot.conversation.test_pictures_in import offers
from tests.e2e.chat import Message, Person, buttons, is_result
from tests.waiting import until

GROUP = -77


async def react(person: Person, message: Message, *emoji: str) -> None:
    await person.post(
        "react", {"user": person.id, "chat": person.chat_id, "message_id": message["id"], "emoji": list(emoji)}
    )


def test_telegram_allows_these() -> None:
    assert {FAVOURITE, UNWANTED, AGAIN} <= allowed_reactions()
    assert not {"⭐", "🗑", "🔁"} & allowed_reactions()


async def test_reactions_star_delete_with_a_way_back_and_draw_again(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --n 2")
    await anna.press(grid, "⬆ 1")
    single = await anna.until(offers("☆"), after=grid["id"])
    for message in (grid, single):
        await react(anna, message, "❤")
        starred = await anna.until(lambda it, this=message: it["id"] == this["id"] and "⭐" in buttons(it))
        await react(anna, message, "👎")  # instead of the heart
        await anna.until(lambda it, this=message: it["id"] == this["id"] and "↩️ Keep" in buttons(it))
        await react(anna, message)
        await anna.until(lambda it, this=message: it["id"] == this["id"] and "☆" in buttons(it))
        assert len(buttons(await anna.message(message["id"]))) == len(buttons(starred))
    house.painter.gate.clear()
    await react(anna, single, "🔥")
    waiting = await anna.until(offers("Cancel"), after=single["id"])
    await react(anna, single)
    await react(anna, single, "🔥")  # while it waits, and so does the grid's: one of it is enough
    await react(anna, grid, "🔥")
    await anna.say("/queue")
    line = await anna.until(offers("❌"), after=waiting["id"] + 1)
    assert len([it for it in buttons(line) if "❌" in it]) == 1
    house.painter.gate.set()
    await until(lambda: len(house.painter.submitted) == 2)
    await anna.until(lambda it: it["id"] == waiting["id"] and is_result(it))
    await react(anna, single, "👎")
    await anna.press(await anna.until(lambda it: it["id"] == single["id"] and "↩️ Keep" in buttons(it)), "Delete")
    page = await anna.say("/history")
    shown = await anna.until(offers("Favourites"), after=page["message"]["id"])
    assert "3 pictures" in shown["caption"]


async def test_in_a_group_the_bot_hears_as_administrator_and_minds_the_owner_alone(
    house: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, chat=GROUP), named(1002, chat=GROUP)
    await anna.say("/imagine a red circle --n 1")
    single = await anna.until(is_result)
    await anna.post("chat", {"chat": GROUP, "bot_admin": True})
    await boris.say("hello")
    for emoji in ("❤", "👎", "🔥"):
        await react(boris, single, emoji)
    await react(anna, single, "❤")
    starred = await anna.until(lambda it: it["id"] == single["id"] and "⭐" in buttons(it))
    assert len(buttons(starred)) == len(buttons(single)) and len(house.painter.submitted) == 1
