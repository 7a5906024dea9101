from __future__ import annotations

import json
from typing import Any

import pytest
from aiogram import Bot, methods
from aiogram.exceptions import TelegramBadRequest, TelegramEntityTooLarge
from aiogram.types import BufferedInputFile

from bot.playground.schema import bot_api
from tests.bot.playground.conftest import Raw, Sim, picture

BUTTON = {"text": "b", "callback_data": "x"}


def keyboard(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


@pytest.mark.parametrize(
    ("method", "params", "refusal"),
    [
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": 1001}, "message text is empty"),
        ("sendMessage", {"chat_id": 1001, "text": " \n "}, "text must be non-empty"),
        ("sendMessage", {"chat_id": 1001, "text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"chat_id": 1001, "text": "🦊" * 2049}, "message is too long"),
        ("sendMessage", {"chat_id": 1001, "text": "x" * 32769}, "text is too long"),
        ("sendMessage", {"chat_id": [1], "text": "x"}, "field chat_id"),
        ("sendMessage", {"chat_id": 1001, "text": 5}, "field text: a string is expected"),
        ("sendMessage", {"chat_id": 1001, "text": "x", "tekst": "y"}, 'unexpected parameter "tekst"'),
        ("sendMessage", {"chat_id": 1001, "text": "x", "reply_to_message_id": 1}, "unexpected parameter"),
        ("sendMessage", {"chat_id": 1001, "text": "x", "reply_markup": "{"}, "can't parse reply markup JSON object"),
        ("sendMessage", {"chat_id": 1001, "text": "x", "reply_parameters": {}}, "message to be replied not found"),
        ("sendMessage", {"chat_id": 1001, "text": "x", "reply_parameters": {"id": 1}}, "no such field"),
        ("sendMessage", {"chat_id": 1001, "text": "x", "message_thread_id": 4}, "message thread not found"),
        ("sendMessage", {"chat_id": 1001, "text": "x", "disable_notification": "maybe"}, "true or false"),
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "MESSAGE_TOO_LONG"),
        ("sendChatAction", {"chat_id": 1001, "action": "dancing"}, "wrong parameter action in request"),
        ("getUpdates", {"limit": 101}, "field limit: 1-100 allowed"),
        ("setMyCommands", {"commands": [{"command": "Start", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        (
            "setMyCommands",
            {"commands": [{"command": "start", "description": ""}]},
            "BOT_COMMAND_DESCRIPTION_INVALID",
        ),
        ("setMyCommands", {"commands": [], "scope": {"type": "galaxy"}}, "is none of BotCommandScopeDefault"),
        ("sendMediaGroup", {"chat_id": 1001, "media": []}, "1-10 are allowed"),
        ("sendMediaGroup", {"chat_id": 1001, "media": [{"type": "photo", "media": "x"}] * 11}, "1-10 are allowed"),
        ("sendPhoto", {"chat_id": 1001}, "there is no photo in the request"),
        ("sendPhoto", {"chat_id": 1001, "photo": "attach://nothing"}, 'there is no part "nothing"'),
        ("sendPhoto", {"chat_id": 1001, "photo": "https://example.org/x.jpg"}, "failed to get HTTP URL content"),
        ("editMessageText", {"text": "x"}, "chat_id is empty"),
        ("editMessageText", {"chat_id": 1001, "text": "x"}, "message identifier is not specified"),
        ("getFile", {"file_id": "abc"}, "wrong file identifier"),
        ("setMessageReaction", {"chat_id": 1001, "message_id": 1, "reaction": [{"type": "paid"}]}, "REACTION_INVALID"),
    ],
)
async def test_a_wrong_call_is_refused_and_says_why(
    sim: Sim, raw: Raw, method: str, params: dict[str, Any], refusal: str
) -> None:
    await sim.say("hi")
    status, envelope = await raw(method, **params)
    assert (status, envelope["ok"], envelope["error_code"]) == (400, False, 400)
    assert envelope["description"].startswith("Bad Request: ")
    assert refusal in envelope["description"]
    call = (await sim.get("calls"))["calls"][-1]
    assert (call["method"], call["ok"], call["error"]) == (method, False, envelope["description"])


@pytest.mark.parametrize(
    ("button", "refusal"),
    [
        ({"text": "b", "callback_data": "я" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "b"}, "Text buttons are unallowed in the inline keyboard"),
        ({"text": "b", "callback_data": "x", "url": "https://t.me"}, "exactly one of callback_data, url"),
        ({"callback_data": "x"}, "text: is required"),
        ({"text": "b", "url": "no address"}, "Wrong HTTP URL"),
        ({"text": "b", "web_app": {"url": "http://example.org"}}, "Only HTTPS links are allowed"),
        ({"text": "b", "callback_data": "x", "colour": "red"}, "InlineKeyboardButton has no such field"),
        ({"text": "b", "copy_text": {"text": "x" * 257}}, "BUTTON_COPY_TEXT_INVALID"),
    ],
)
async def test_a_wrong_button_is_refused(sim: Sim, raw: Raw, button: dict[str, Any], refusal: str) -> None:
    await sim.say("hi")
    status, envelope = await raw("sendMessage", chat_id=1001, text="x", reply_markup=keyboard(BUTTON, button))
    assert status == 400
    assert refusal in envelope["description"]


async def test_limits_are_met_exactly(sim: Sim, raw: Raw) -> None:
    await sim.say("hi")
    buttons = keyboard({"text": "b", "callback_data": "я" * 32})
    assert (await raw("sendMessage", chat_id=1001, text="x" * 4096, reply_markup=buttons))[0] == 200
    marked = f"<b>{'x' * 4096}</b>"
    assert (await raw("sendMessage", chat_id=1001, text=marked, parse_mode="HTML"))[0] == 200, "markup does not count"


async def test_captions_are_counted_without_their_markup(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    photo = BufferedInputFile(picture(8, 8), "p.png")
    sent = await bot.send_photo(1001, photo, caption=f"<i>{'x' * 1024}</i>", parse_mode="HTML")
    assert sent.caption == "x" * 1024
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await bot.send_photo(1001, photo, caption="x" * 1025)
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await sent.edit_caption(caption="x" * 1025)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (picture(9000, 1001), "PHOTO_INVALID_DIMENSIONS"),
        (picture(21, 1), "PHOTO_INVALID_DIMENSIONS"),
        (b"no picture at all", "IMAGE_PROCESS_FAILED"),
        (picture(64, 64)[:100], "IMAGE_PROCESS_FAILED"),
        (b"\x89PNG" + bytes(10 * 2**20), "file is too big for a photo"),
    ],
)
async def test_what_is_no_photo_for_telegram_is_refused(bot: Bot, sim: Sim, content: bytes, refusal: str) -> None:
    await sim.say("hi")
    with pytest.raises(TelegramBadRequest, match=refusal):
        await bot.send_photo(1001, BufferedInputFile(content, "p.png"))
    assert len(await sim.transcript()) == 1


async def test_a_photo_at_the_limits_is_taken(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    sent = await bot.send_photo(1001, BufferedInputFile(picture(2000, 100), "p.png"))
    assert sent.photo is not None
    assert (sent.photo[-1].width, sent.photo[-1].height) == (1280, 64)


async def test_documents_end_at_50_megabytes(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    with pytest.raises(TelegramEntityTooLarge):
        await bot.send_document(1001, BufferedInputFile(bytes(50 * 2**20 + 1), "big.bin"))
    big = await bot.send_document(1001, BufferedInputFile(bytes(21 * 2**20), "large.bin"))
    assert big.document is not None
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(big.document.file_id)


async def test_an_album_is_of_one_kind(sim: Sim, raw: Raw) -> None:
    await sim.say("hi")
    media = [{"type": "photo", "media": "x"}, {"type": "document", "media": "y"}]
    status, envelope = await raw("sendMediaGroup", chat_id=1001, media=json.dumps(media))
    assert (status, "can't be mixed" in envelope["description"]) == (400, True)


def test_the_schema_knows_what_the_installed_aiogram_knows() -> None:
    schema = bot_api()
    known = {
        it.__api_method__: it
        for it in vars(methods).values()
        if isinstance(it, type) and issubclass(it, methods.TelegramMethod) and it is not methods.TelegramMethod
    }
    assert len(known) > 150
    for name, model in known.items():
        fields = schema.methods[name]
        assert set(fields) <= set(model.model_fields), name
        required = {key for key, it in model.model_fields.items() if it.is_required()}
        assert {key for key, it in fields.items() if it.required} == required, name
