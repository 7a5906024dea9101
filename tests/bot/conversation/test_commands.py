"""Welcome, help, styles, settings, history, the line, and what is said to everything else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import aiohttp
import pytest
from aiogram import Bot

from bot.conversation import commands
from bot.conversation.commands import set_descriptions
from bot.jobs.studio import Studio
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import ALL_MODES, BIG
from tests.e2e.chat import Person, buttons, is_result
from tests.waiting import until


async def test_start_names_the_small_world_and_one_tap_draws(house: House, named: Callable[..., Person]) -> None:
    vera = named(1003, "ru")
    await vera.say("/start")
    welcome = await vera.until(lambda message: "Здравствуйте" in (message["text"] or ""))
    assert "круг" in welcome["text"]
    assert buttons(welcome) == ["▶️ красный круг на синем фоне", "▶️ синий кот", "▶️ зелёный круг"]
    await vera.press(welcome, "синий кот")
    grid = await vera.until(is_result)
    assert grid["caption"].startswith("синий кот")
    assert "Флеш · 128×128 · зерно" in grid["caption"]
    assert "1,2\xa0с" in grid["caption"]


async def test_with_the_big_model_the_welcome_says_nothing_of_a_small_one(closed_house: House, anna: Person) -> None:
    closed_house.painter.card = BIG
    await closed_house.open()
    await anna.say("/start")
    welcome = await anna.until(lambda message: "Hello" in (message["text"] or ""))
    assert "small" not in welcome["text"]
    assert len(buttons(welcome)) == 3


async def test_help_names_every_parameter_in_both_languages(house: House, named: Callable[..., Person]) -> None:
    for user, language in ((1001, "en"), (1002, "ru")):
        person = named(user, language)
        await person.say("/help")
        chapter = "Parameters" if language == "en" else "Параметры"
        await person.press(await person.until(lambda message: len(buttons(message)) > 2), chapter)
        text = (await person.until(lambda message: "--ar 16:9" in (message["text"] or "")))["text"]
        for parameter in ("--no", "--seed", "--style", "--n ", "--full", "--steps", "--cfg"):
            assert parameter in text


async def test_settings_are_remembered_and_used(house: House, anna: Person) -> None:
    await anna.say("/settings")
    card = await anna.until(lambda message: "Your settings" in (message["text"] or ""))
    for setting, value in (("Format", "3:2"), ("Number", "2"), ("Quality", "Full quality")):
        await anna.press(await anna.message(card["id"]), setting)
        await anna.until(lambda message: "↩️ Back" in buttons(message))
        await anna.press(await anna.message(card["id"]), value)
        await anna.until(lambda message: "✅ Done" in buttons(message))
    text = (await anna.message(card["id"]))["text"]
    assert "Format: 3:2" in text
    assert "Pictures at a time: 2" in text
    await anna.draw("a red circle")
    request = house.painter.submitted[0].request
    assert (request.kind, request.width, request.height, len(request.seeds)) == ("full", 192, 128, 2)
    await house.reopen()
    await anna.draw("a red circle")
    assert house.painter.submitted[0].request.kind == "full"
    await anna.press(await anna.message(card["id"]), "Done")
    await anna.say("/queue")
    await anna.until(lambda message: "line is empty" in (message["text"] or ""))
    assert (await anna.message(card["id"]))["deleted"]


async def test_the_language_changes_at_once_and_with_it_the_menu(house: House, anna: Person) -> None:
    await anna.say("/settings")
    card = await anna.until(lambda message: "Your settings" in (message["text"] or ""))
    await anna.press(card, "Language")
    await anna.until(lambda message: any("Русский" in text for text in buttons(message)))
    await anna.press(await anna.message(card["id"]), "Русский")
    await anna.until(lambda message: "Ваши настройки" in (message["text"] or ""))
    listed = await anna.get("commands?user=1001")
    assert {"command": "imagine", "description": "Нарисовать по описанию"}.items() <= listed["commands"][0].items()
    await anna.say("красный круг --seed x")
    refusal = await anna.until(lambda message: "не подходит" in (message["text"] or ""))
    assert "от 0 до 4294967295" in refusal["text"]


async def test_strangers_cannot_change_my_settings(house: House, named: Callable[..., Person]) -> None:
    anna, boris = named(1001, "en", -9), named(1002, "en", -9)
    await anna.say("/settings")
    card = await anna.until(lambda message: "Your settings" in (message["text"] or ""))
    answer = (await boris.press(card, "Language"))["answer"]
    assert answer["alert"]


async def test_a_style_tapped_in_the_list_becomes_the_usual_one(closed_house: House, anna: Person) -> None:
    closed_house.painter.card = BIG
    await closed_house.open()
    await anna.say("/styles")
    listed = await anna.until(lambda message: "Styles" in (message["text"] or ""))
    assert len(buttons(listed)) == 25
    await anna.press(listed, "Khokhloma")
    await anna.until(lambda message: "🍒 Khokhloma ✓" in buttons(message))
    await anna.draw("a red circle")
    assert "khokhloma" in closed_house.painter.submitted[0].request.prompt
    await anna.draw("a red circle --style none")
    assert closed_house.painter.submitted[1].request.prompt == "a red circle"


async def test_history_turns_pages_opens_and_deletes_in_one_message(house: House, anna: Person) -> None:
    for number in range(3):
        await anna.draw(f"a red circle --seed {number * 10}")
    await anna.say("/history")
    page = await anna.until(lambda message: "Your pictures" in (message["caption"] or ""))
    assert "12 pictures" in page["caption"]
    assert [text for text in buttons(page) if text.isdigit()] == [str(number) for number in range(1, 10)]
    await anna.press(page, "Older")
    await anna.until(lambda message: "10 to 12" in (message["caption"] or ""))
    await anna.press(await anna.message(page["id"]), "10")
    opened = await anna.until(lambda message: "↩️ Back" in buttons(message))
    assert opened["id"] == page["id"]
    assert "seed 1 " in opened["caption"] + " "
    await anna.press(opened, "Delete")
    await anna.until(lambda message: any("Delete for good" in text for text in buttons(message)))
    await anna.press(await anna.message(page["id"]), "Delete for good")
    await anna.until(lambda message: "11 pictures" in (message["caption"] or ""))
    await anna.press(await anna.message(page["id"]), "Newer")
    await anna.until(lambda message: "1 to 9" in (message["caption"] or ""))


async def test_there_is_a_way_back_from_the_last_favourite(house: House, anna: Person) -> None:
    grid = await anna.draw("a red circle --n 2")
    await anna.say("/history")
    page = await anna.until(lambda message: "Your pictures" in (message["caption"] or ""))
    answer = await anna.press(page, "Favourites only")
    assert "No favourites yet" in answer["answer"]["text"]
    await anna.press(grid, "☆")
    await anna.press(page, "Favourites only")
    await anna.until(lambda message: "Your favourites" in (message["caption"] or ""))
    for number in ("1", "1"):
        await anna.press(await anna.message(page["id"]), number)
        opened = await anna.until(lambda message: "↩️ Back" in buttons(message))
        await anna.press(opened, "⭐")
        await anna.until(lambda message: message["id"] == page["id"] and "☆" in buttons(message))
        await anna.press(await anna.message(page["id"]), "Back")
        await anna.until(lambda message: message["id"] == page["id"] and "↩️ Back" not in buttons(message))
    everything = await anna.message(page["id"])
    assert "Your pictures · 2 pictures" in everything["caption"]
    assert "⭐ Favourites only" in buttons(everything)


async def test_the_queue_shows_mine_and_counts_others_without_their_words(
    house: House, named: Callable[..., Person]
) -> None:
    house.painter.gate.clear()
    house.painter.slots = 1
    anna, boris = named(1001), named(1002)
    await boris.say("a green circle")
    await boris.until(lambda message: "░" in (message["caption"] or ""))
    await anna.say("a red circle")
    await anna.until(lambda message: "next in line" in (message["text"] or ""))
    await anna.say("/queue")
    listed = await anna.until(lambda message: "other people" in (message["text"] or ""))
    assert "a red circle" in listed["text"]
    assert "green" not in listed["text"]
    assert "1 request from other people" in listed["text"]
    assert "❌ 1 · a red circle" in buttons(listed)
    await boris.say("/queue")
    his = await boris.until(lambda message: "other people" in (message["text"] or ""))
    assert "❌ 🎨 · a green circle" in buttons(his)
    await anna.press(listed, "a red circle")
    await anna.until(lambda message: "Cancelled." in (message["text"] or ""))


async def test_pictures_stickers_and_unknown_commands_get_a_kind_word_in_private(house: House, anna: Person) -> None:
    await anna.say("/teapot")
    await anna.until(lambda message: "/help" in (message["text"] or ""))
    form = aiohttp.FormData({"user": "1001", "chat": "1001", "caption": "make it blue"})
    form.add_field("photo", house.painter.preview(), filename="p.jpg", content_type="image/jpeg")
    async with anna.session.post(f"{anna.url}/sim/message", data=form) as response:
        assert response.status == 200
    await anna.until(lambda message: "is not installed" in (message["text"] or ""))


@pytest.mark.both_ways
async def test_an_album_of_photos_gets_one_answer(house: House, anna: Person) -> None:
    form = aiohttp.FormData({"user": "1001", "chat": "1001"})
    for number in range(3):
        form.add_field("photo", house.painter.preview(), filename=f"{number}.jpg", content_type="image/jpeg")
    async with anna.session.post(f"{anna.url}/sim/message", data=form) as response:
        assert response.status == 200
    await anna.until(lambda message: "is not installed" in (message["text"] or ""))
    await anna.say("/queue")
    await anna.until(lambda message: "line is empty" in (message["text"] or ""))
    answers = [message for message in await anna.messages() if "is not installed" in (message["text"] or "")]
    assert len(answers) == 1


async def test_what_people_write_is_never_read_as_markup(house: House, anna: Person) -> None:
    grid = await anna.draw("a <b>red</b> circle & <a href='x'>cat</a>")
    assert grid["caption"].startswith("a <b>red</b> circle & <a href='x'>cat</a>\n")
    await anna.press(grid, "Recipe")
    card = await anna.until(lambda message: "Recipe" in (message["text"] or ""))
    assert "a <b>red</b> circle & <a href='x'>cat</a>" in card["text"]


async def test_an_empty_chat_says_what_the_bot_is_for_unless_its_owner_has_said_so(house: House) -> None:
    assert house.studio is not None
    bot = house.studio.bot
    await bot.set_my_short_description("Рисует для клуба", language_code="ru")
    for _start in range(2):
        await set_descriptions(bot)
    english, russian = await bot.get_my_description(), await bot.get_my_description(language_code="ru")
    assert english.description.startswith("I draw what you describe")
    assert russian.description.startswith("Рисую по вашим словам")
    assert (await bot.get_my_short_description(language_code="ru")).short_description == "Рисует для клуба"
    assert "Draws what you describe" in (await bot.get_my_short_description()).short_description
    assert max(len(english.description), len(russian.description)) <= 512


async def test_people_are_answered_while_telegram_is_still_told_what_the_bot_is_for(
    closed_house: House, anna: Person
) -> None:
    async def shown() -> list[dict[str, str]]:
        return list((await anna.get("commands?user=1001"))["commands"])

    await anna.post("faults", {"method": "setMyCommands", "delay": 600})
    await closed_house.open()
    await anna.say("/queue")
    await anna.until(lambda message: "line is empty" in (message["text"] or ""))
    assert not await shown()
    async with anna.session.delete(f"{anna.url}/sim/faults") as response:
        assert response.status == 200
    await until(shown)


async def test_a_command_comes_and_goes_with_the_last_worker_of_its_mode(
    closed_house: House, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, str]] = []
    looks: list[dict[str, str]] = []
    tell, look = commands.set_commands, commands.served_now

    async def heard(bot: Bot, served: dict[str, str]) -> None:
        told.append(served)
        await tell(bot, served)

    def looked(studio: Studio) -> dict[str, str]:
        looks.append(look(studio))
        return looks[-1]

    monkeypatch.setattr(commands, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(commands, "set_commands", heard)
    monkeypatch.setattr(commands, "served_now", looked)
    await closed_house.open()
    for card in (ALL_MODES, BIG, ALL_MODES):
        await closed_house.learns(card)
        before = len(looks)
        await until(lambda before=before: len(looks) > before + 2)
        there = [one["command"] for one in (await anna.get("commands?user=1001"))["commands"]]
        assert ("upscale" in there) is (card is ALL_MODES)
    assert all(now != before for before, now in pairwise(told)), "Telegram is told of what has changed and not again"
