"""Who asks: a person, or the chat that somebody speaks for. Stand-ins that all groups share are nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from bot.store.tables import people, pictures, uploads
from inference.queue.database import open_database
from tests.bot.conversation.conftest import House
from tests.bot.conversation.forging import Forger
from tests.bot.conversation.test_pictures_in import RED, encoded, offers, says, send
from tests.e2e.chat import Message, Person, buttons, is_result

FOXES, OWLS, NEWS = -1000000000011, -1000000000022, -1000000000077
STAND_INS = {1087968824, 136817688, 777000}


async def column(house: House, wanted: Any) -> list[Any]:
    database = open_database(f"sqlite+aiosqlite:///{house.folder}/studio.db")
    try:
        async with database.connect() as connection:
            return list(await connection.scalars(select(wanted)))
    finally:
        await database.dispose()


async def drawn(person: Person, words: str, sender_chat: int | None = None) -> Message:
    said = await person.say(f"/imagine {words} --n 1", **({"sender_chat": sender_chat} if sender_chat else {}))
    return await person.until(lambda it: is_result(it) and "Repeat" not in buttons(it), after=said["message"]["id"])


async def page_of(person: Person, **fields: Any) -> Message:
    said = await person.say("/history", **fields)
    page = {"Your pictures", "You have no pictures"}
    return await person.until(
        lambda it: any(words in (it["text"] or it["caption"] or "") for words in page), after=said["message"]["id"]
    )


async def come_in(*people: Person) -> None:
    """The group is there, and so are they."""
    for person in people:
        await person.say("/start")
        await person.until(says("👋"))  # a new group is greeted, and that answers them


async def silence_after(person: Person, **fields: Any) -> list[Message]:
    """What the bot says between this and its answer to a command that is said after it."""
    said = await person.say(**fields)
    last = await person.say("/queue")
    end = await person.until(says("line"), after=last["message"]["id"])
    between = range(said["message"]["id"] + 1, end["id"])
    return [it for it in await person.messages() if it["id"] in between and it["from"]["id"] == 123456]


async def test_anonymous_administrators_of_two_groups_have_nothing_in_common(
    house: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, "en", FOXES), named(1002, "en", OWLS)
    await drawn(anna, "a red circle", FOXES)
    await come_in(boris)
    assert "no pictures in this chat" in ((await page_of(boris, sender_chat=OWLS))["text"] or "")
    page = await page_of(anna, sender_chat=FOXES)
    assert "1 picture" in page["caption"]
    assert set(await column(house, pictures.c.owner_id)) == {FOXES}
    assert not STAND_INS & set(await column(house, people.c.id))


async def test_what_an_administrator_draws_without_a_name_is_not_their_own(
    house: House, named: Callable[..., Person]
) -> None:
    anna = named(1001, "en", FOXES)
    await drawn(anna, "a red circle", FOXES)
    page = await page_of(anna)
    assert "no pictures in this chat" in (page["text"] or "")


async def test_each_chat_has_its_own_share_of_the_queue(house: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001, "en", FOXES), named(1002, "en", OWLS)
    house.painter.slots = 0
    await come_in(anna, boris)
    for _place in range(3):
        await anna.say("/imagine a red circle", sender_chat=FOXES)
    said = await anna.say("/imagine a red circle", sender_chat=FOXES)
    await anna.until(lambda it: "❌ Cancel" not in buttons(it), after=said["message"]["id"])
    said = await boris.say("/imagine a blue cat", sender_chat=OWLS)
    await boris.until(lambda it: "❌ Cancel" in buttons(it), after=said["message"]["id"])


async def test_its_administrators_press_what_belongs_to_a_group_and_what_they_order_is_the_groups(
    house: House, named: Callable[..., Person]
) -> None:
    anna, carl, boris = (named(user, "en", FOXES) for user in (1001, 1003, 1002))
    single = await drawn(anna, "a red circle", FOXES)
    await come_in(boris)
    await anna.post("chat", {"chat": FOXES, "admins": [1001, 1003]})
    answer = await carl.press(single, "☆")
    assert "favourites" in answer["answer"]["text"]
    answer = await boris.press(single, "☆")
    assert answer["answer"]["alert"] and "somebody else" in answer["answer"]["text"]
    await carl.press(await anna.message(single["id"]), "Quality")
    await anna.until(is_result, after=single["id"])
    assert await column(house, pictures.c.owner_id) == [FOXES, FOXES]


async def test_pages_and_settings_of_a_group_are_its_administrators_to_turn(
    house: House, named: Callable[..., Person]
) -> None:
    anna, boris = named(1001, "en", FOXES), named(1002, "en", FOXES)
    await drawn(anna, "a red circle", FOXES)
    await come_in(boris)
    page = await page_of(anna, sender_chat=FOXES)
    assert "somebody else" in (await boris.press(page, "1"))["answer"]["text"]
    await anna.press(page, "1")
    opened = await anna.until(offers("Back"))
    await anna.press(opened, "Back")
    page = await anna.until(lambda it: it["id"] == page["id"] and "Your pictures" in (it["caption"] or ""))
    said = await anna.say("/settings", sender_chat=FOXES)
    menu = await anna.until(offers("Language"), after=said["message"]["id"])
    await anna.press(menu, "Language")
    await anna.press(await anna.until(offers("Русский"), after=said["message"]["id"]), "Русский")
    await anna.until(says("Ваши настройки"))
    said = await anna.say("/queue", sender_chat=FOXES)
    await anna.until(says("черед"), after=said["message"]["id"])
    said = await anna.say("/queue")
    await anna.until(says("line"), after=said["message"]["id"])


async def test_words_that_a_group_is_asked_for_come_from_it_and_nobody_is_named(
    every_mode: House, named: Callable[..., Person]
) -> None:
    anna = named(1001, "en", FOXES)
    await anna.say("/start", sender_chat=FOXES, title="Foxes")
    await anna.post("chat", {"chat": FOXES, "privacy": False})
    grid = await drawn(anna, "a red circle", FOXES)
    await anna.press(grid, "Edit")
    asked = await anna.until(says("Tap the words"))
    assert "User 1001" not in asked["text"] and not any(it["type"] == "text_mention" for it in asked["entities"])
    other = await drawn(anna, "a red circle")
    await anna.press(other, "Edit")
    asked = await anna.until(says("Tap the words"), after=other["id"])
    assert "User 1001" in asked["text"], "who speaks for themselves is called by their name"
    said = await anna.say("/inpaint", sender_chat=FOXES, reply_to=grid["id"])
    area = await anna.until(offers("Never mind"), after=said["message"]["id"])
    said = await anna.say("top left: a blue cat", reply_to=area["id"])
    await anna.say("top left: a blue cat", sender_chat=FOXES, reply_to=area["id"])
    await anna.until(says("marked area"), after=area["id"])


async def test_a_channel_is_somebody_too_and_where_nobody_can_tell_who_runs_it_a_press_is_refused(
    house: House, named: Callable[..., Person]
) -> None:
    anna, eva = named(1001, "en", FOXES), named(1005, "en", FOXES)
    await come_in(anna)
    await eva.post("chat", {"chat": NEWS, "type": "channel", "title": "News", "admins": [1005]})
    single = await drawn(eva, "a red circle", NEWS)
    answer = (await eva.press(single, "☆"))["answer"]
    assert answer["alert"] and "does not tell me who its administrators are" in answer["text"]
    assert await column(house, pictures.c.owner_id) == [NEWS]


async def test_who_runs_a_channel_may_press_and_telegram_is_asked_once(
    house: House, named: Callable[..., Person]
) -> None:
    anna, eva = named(1001, "en", FOXES), named(1005, "en", FOXES)
    await come_in(anna)
    await eva.post("chat", {"chat": NEWS, "type": "channel", "admins": [1005], "bot_present": True, "bot_admin": True})
    single = await drawn(eva, "a red circle", NEWS)
    await asyncio.gather(*(eva.press(single, "☆") for _quick in range(4)))
    assert "somebody else" in (await anna.press(single, "🗑"))["answer"]["text"]
    asked = (await eva.get("calls?method=getChatMember"))["calls"]
    assert sorted(call["params"]["user_id"] for call in asked) == ["1001", "1005"]


async def test_a_post_that_comes_into_its_group_asks_for_nothing(house: House, named: Callable[..., Person]) -> None:
    eva = named(1005, "en", FOXES)
    await come_in(eva)
    await eva.post("chat", {"chat": NEWS, "type": "channel", "admins": [1005]})
    assert not await silence_after(eva, text="/imagine a red circle", sender_chat=NEWS, automatic_forward=True)
    assert not house.painter.submitted
    assert not ({NEWS} | STAND_INS) & set(await column(house, people.c.id))


async def test_a_stand_in_that_speaks_for_no_chat_is_nobody(house: House, named: Callable[..., Person]) -> None:
    anna = named(1001, "en", FOXES)
    await come_in(anna)
    assert house.studio is not None
    for number, user in enumerate(STAND_INS):
        message = {
            "message_id": 900 + number, "date": 0, "chat": {"id": FOXES, "type": "supergroup", "title": "Foxes"},
            "from": {"id": user, "is_bot": True, "first_name": "?"}, "text": "/queue",
        }  # fmt: skip
        update = {"update_id": 2_000_000_000 + number, "message": message}
        await house.studio.updates.feed_raw_update(house.studio.bot, update)
    assert not STAND_INS & set(await column(house, people.c.id))


async def test_a_photo_that_a_group_gives_is_the_groups(every_mode: House, named: Callable[..., Person]) -> None:
    anna = named(1001, "en", FOXES)
    await come_in(anna)
    await send(anna, encoded(RED), caption="/mix", sender_chat=str(FOXES))
    await anna.until(offers("Never mind"))
    said = await send(anna, encoded(RED, (80, 90)), caption="/vary")
    await anna.until(is_result, after=said["id"])
    assert await column(every_mode, uploads.c.owner_id) == [FOXES, 1001]


@pytest.mark.parametrize("listed", [FOXES, NEWS])
async def test_a_list_of_guests_may_name_groups_and_channels(
    closed_house: House, named: Callable[..., Person], listed: int
) -> None:
    """A channel that is listed draws in a group that is not, and who runs it presses there."""
    closed_house.options["allowed_users"] = frozenset({listed})
    await closed_house.open()
    eva, boris = named(1005, "en", FOXES), named(1002, "en", FOXES)
    await eva.say("/start")
    await eva.post("chat", {"chat": NEWS, "type": "channel", "admins": [1005], "bot_present": True, "bot_admin": True})
    single = await drawn(eva, "a red circle", NEWS)
    assert "favourites" in (await eva.press(single, "☆"))["answer"]["text"]
    starred = await eva.until(offers("⭐"))
    refusal = "somebody else" if listed == FOXES else "private"
    assert refusal in (await boris.press(starred, "⭐"))["answer"]["text"]
    forger = Forger(closed_house)
    answer = await forger.press(1002, f"s:{NEWS}:menu:", forger.shown(single))
    assert answer is not None and answer["alert"]
