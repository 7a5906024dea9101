from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, InputSticker

from bot.playground import serve
from bot.playground.validate import problems_of
from tests.bot.playground.conftest import OTHER_TOKEN, Sim, client, picture

NAME = "foxes_by_playground_123456_bot"


def still(colour: str = "red", width: int = 512, form: str = "WEBP") -> BufferedInputFile:
    return BufferedInputFile(picture(width, 512 if form == "WEBP" else 300, form, colour), f"s.{form.lower()}")


def sticker(colour: str = "red", **about: object) -> InputSticker:
    return InputSticker(**{"sticker": still(colour), "format": "static", "emoji_list": ["🦊", "🔥"], **about})  # type: ignore[arg-type]


async def test_a_set_is_made_grows_is_sent_from_and_goes(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    await bot.create_new_sticker_set(1001, NAME, "Foxes", [sticker("red")])
    uploaded = await bot.upload_sticker_file(1001, still("blue", 400), "static")
    await bot.add_sticker_to_set(1001, NAME, sticker(sticker=uploaded.file_id, emoji_list=["🐺"]))
    found = await bot.get_sticker_set(NAME)
    assert (found.title, [it.emoji for it in found.stickers]) == ("Foxes", ["🦊", "🐺"])
    assert [(it.width, it.height, it.set_name) for it in found.stickers] == [(512, 512, NAME), (400, 512, NAME)]
    sent = await bot.send_sticker(1001, found.stickers[1].file_id)
    assert sent.sticker is not None
    assert (sent.sticker.set_name, sent.sticker.emoji) == (NAME, "🐺")
    for it in (await sim.get("calls", method="getStickerSet"))["calls"]:
        assert not problems_of("StickerSet", it["result"])
    await bot.set_sticker_set_title(NAME, "Wolves")
    await bot.delete_sticker_from_set(found.stickers[0].file_id)
    found = await bot.get_sticker_set(NAME)
    assert (found.title, [it.emoji for it in found.stickers]) == ("Wolves", ["🐺"])
    await bot.delete_sticker_set(NAME)
    with pytest.raises(TelegramBadRequest, match="STICKERSET_INVALID"):
        await bot.get_sticker_set(NAME)


async def test_what_is_no_sticker_or_no_name_is_refused(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    await bot.create_new_sticker_set(1001, NAME, "Foxes", [sticker()])
    for name, user, one, refusal in (
        (NAME, 1001, sticker(), "already occupied"),
        ("foxes", 1001, sticker(), "invalid sticker set name"),
        ("1" + NAME, 1001, sticker(), "invalid sticker set name"),
        ("a__b_by_playground_123456_bot", 1001, sticker(), "invalid sticker set name"),
        ("a_by_playground_123456_bot", 77, sticker(), "user not found"),
        ("a_by_playground_123456_bot", 1001, sticker(sticker=still(width=500, form="PNG")), "STICKER_PNG_DIMENSIONS"),
        ("a_by_playground_123456_bot", 1001, sticker(sticker=still(form="GIF")), "STICKER_PNG_NOPNG"),
        ("a_by_playground_123456_bot", 1001, sticker(format="video"), "that move are not supported"),
    ):
        with pytest.raises(TelegramBadRequest, match=refusal):
            await bot.create_new_sticker_set(user, name, "x", [one])
    async with client(sim.url, OTHER_TOKEN) as other:
        with pytest.raises(TelegramBadRequest, match="STICKERSET_INVALID"):
            await other.add_sticker_to_set(1001, NAME, sticker())


async def test_sets_outlive_a_restart(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    first = await serve(port=0, state_dir=tmp_path, strict=True)
    async with client(first.url) as bot:
        await bot.get_me()
        await Sim(first.url, http).say("hi")
        await bot.create_new_sticker_set(1001, NAME, "Foxes", [sticker()])
    await first.close()
    second = await serve(port=0, state_dir=tmp_path, strict=True)
    async with client(second.url) as bot:
        assert [it.emoji for it in (await bot.get_sticker_set(NAME)).stickers] == ["🦊"]
    await second.close()
