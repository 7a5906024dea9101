from __future__ import annotations

import io
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    ReactionTypeEmoji,
    ReplyParameters,
)
from PIL import Image

from tests.bot.playground.conftest import OTHER_TOKEN, Raw, Sim, client, picture

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[
        [InlineKeyboardButton(text="U1", callback_data="up:1"), InlineKeyboardButton(text="U2", callback_data="up:2")],
        [InlineKeyboardButton(text="seed", copy_text=CopyTextButton(text="42"))],
    ]
)


def png(width: int = 64, height: int = 48, colour: str = "red", name: str = "fox.png") -> BufferedInputFile:
    return BufferedInputFile(picture(width, height, colour=colour), name)


async def test_a_message_appears_in_the_transcript_with_entities_and_buttons(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    sent = await bot.send_message(1001, "a <b>bold 🦊</b> word", parse_mode="HTML", reply_markup=KEYBOARD)
    seen = (await sim.transcript())[-1]
    assert (seen["id"], seen["text"]) == (sent.message_id, "a bold 🦊 word")
    assert seen["entities"] == [{"type": "bold", "offset": 2, "length": 7}]
    assert [[it["text"] for it in row] for row in seen["buttons"]] == [["U1", "U2"], ["seed"]]
    assert (seen["buttons"][0][0]["data"], seen["buttons"][1][0]["copy"]) == ("up:1", "42")
    assert seen["from"]["is_bot"]


async def test_a_photo_is_scaled_recompressed_and_measured_from_its_pixels(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    original = picture(1600, 900)
    sent = await bot.send_photo(1001, BufferedInputFile(original, "grid.png"), caption="four")
    assert sent.photo is not None
    assert [(it.width, it.height) for it in sent.photo] == [(90, 51), (320, 180), (800, 450), (1280, 720)]
    assert len({it.file_unique_id for it in sent.photo}) == 4
    downloaded = await bot.download(sent.photo[-1])
    assert downloaded is not None
    content = downloaded.read()
    assert content != original
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("JPEG", (1280, 720))
    seen = (await sim.transcript())[-1]
    assert (seen["photo"]["width"], seen["photo"]["height"], seen["caption"]) == (1280, 720, "four")
    assert await sim.bytes_of(seen["photo"]["file_url"]) == content


async def test_a_small_photo_keeps_its_size(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    sent = await bot.send_photo(1001, png(64, 48))
    assert sent.photo is not None
    assert [(it.width, it.height) for it in sent.photo] == [(64, 48)]


async def test_a_document_keeps_every_byte_and_its_name(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    original = picture(640, 480)
    sent = await bot.send_document(1001, BufferedInputFile(original, "лис 1.png"))
    assert sent.document is not None
    downloaded = await bot.download(sent.document)
    assert downloaded is not None
    assert downloaded.read() == original
    assert (sent.document.file_name, sent.document.mime_type) == ("лис 1.png", "image/png")
    assert sent.document.thumbnail is not None
    assert sent.document.thumbnail.width == 320
    seen = (await sim.transcript())[-1]["document"]
    assert (seen["width"], seen["height"], seen["file_size"]) == (640, 480, len(original))
    assert await sim.bytes_of(seen["file_url"]) == original


async def test_a_photo_is_sent_again_by_its_file_id_but_only_by_the_bot_that_got_it(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    first = await bot.send_photo(1001, png())
    assert first.photo is not None
    again = await bot.send_photo(1001, first.photo[-1].file_id)
    assert again.photo == first.photo
    async with client(sim.url, OTHER_TOKEN) as other:
        await other.get_me()
        await sim.say("hi", bot="654321")
        with pytest.raises(TelegramBadRequest, match="wrong file identifier"):
            await other.send_photo(1001, first.photo[-1].file_id)
    with pytest.raises(TelegramBadRequest, match="can't use file of type photo as document"):
        await bot.send_document(1001, first.photo[-1].file_id)


async def test_an_album_comes_as_messages_of_one_group_with_the_caption_on_the_first(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    sent = await bot.send_media_group(
        1001, [InputMediaPhoto(media=png(), caption="all four"), InputMediaPhoto(media=png(colour="blue"))]
    )
    assert sent[0].media_group_id == sent[1].media_group_id is not None
    seen = (await sim.transcript())[-2:]
    assert [it["caption"] for it in seen] == ["all four", None]
    assert len({it["album"] for it in seen}) == 1
    files: list[Any] = [InputMediaDocument(media=png(name=f"{it}.png")) for it in range(3)]
    assert len(await bot.send_media_group(1001, files)) == 3


async def test_text_becomes_a_photo_and_the_photo_another_in_place(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    status = await bot.send_message(1001, "drawing…", reply_markup=KEYBOARD)
    edited = await bot.edit_message_media(
        InputMediaPhoto(media=png(), caption="1 of 4"), chat_id=1001, message_id=status.message_id
    )
    assert not isinstance(edited, bool)
    assert (edited.caption, edited.text, edited.reply_markup) == ("1 of 4", None, None)
    await bot.edit_message_media(
        InputMediaPhoto(media=png(colour="blue")), chat_id=1001, message_id=status.message_id, reply_markup=KEYBOARD
    )
    await bot.edit_message_caption(chat_id=1001, message_id=status.message_id, caption="done", reply_markup=KEYBOARD)
    seen = await sim.transcript()
    assert len(seen) == 2
    assert (seen[-1]["edits"], seen[-1]["text"], seen[-1]["caption"]) == (3, None, "done")
    assert seen[-1]["photo"]["width"] == 64
    assert seen[-1]["buttons"]


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    sent = await bot.send_message(1001, "same", reply_markup=KEYBOARD)
    with pytest.raises(TelegramBadRequest, match="message is not modified: specified new message content"):
        await sent.edit_text("same", reply_markup=KEYBOARD)
    await sent.edit_text("same")  # the keyboard goes
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await sent.edit_reply_markup(reply_markup=None)
    await sent.edit_reply_markup(reply_markup=KEYBOARD)
    assert (await sim.transcript())[-1]["edits"] == 2


async def test_edits_and_deletes_of_what_is_not_there_are_refused_in_telegrams_words(bot: Bot, sim: Sim) -> None:
    theirs = (await sim.say("mine"))["message"]["id"]
    photo = await bot.send_photo(1001, png())
    text = await bot.send_message(1001, "t")
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("x", chat_id=1001, message_id=999)
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("x", chat_id=1001, message_id=theirs)
    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await photo.edit_text("x")
    with pytest.raises(TelegramBadRequest, match="there is no caption in the message to edit"):
        await text.edit_caption(caption="x")
    await text.delete()
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await text.edit_text("x")
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await text.delete()
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(1001, "x", reply_parameters=ReplyParameters(message_id=text.message_id))
    kept = await bot.send_message(
        1001, "x", reply_parameters=ReplyParameters(message_id=text.message_id, allow_sending_without_reply=True)
    )
    assert kept.reply_to_message is None
    assert await bot.delete_messages(1001, [theirs, 999])
    assert [it["id"] for it in await sim.transcript() if it["deleted"]] == [theirs, text.message_id]


async def test_a_reply_carries_the_message_it_answers(bot: Bot, sim: Sim) -> None:
    asked = (await sim.say("draw a fox"))["message"]["id"]
    sent = await bot.send_message(1001, "ok", reply_parameters=ReplyParameters(message_id=asked, quote="fox"))
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "draw a fox"
    assert sent.quote is not None
    assert sent.quote.position == 7
    assert (await sim.transcript())[-1]["reply_to"] == asked
    with pytest.raises(TelegramBadRequest, match="QUOTE_TEXT_INVALID"):
        await bot.send_message(1001, "ok", reply_parameters=ReplyParameters(message_id=asked, quote="cat"))


async def test_a_copy_has_no_author_and_a_forward_names_one(bot: Bot, sim: Sim) -> None:
    asked = (await sim.post("message", user={"id": 1001, "name": "Анна Белова"}, text="лиса"))["message"]["id"]
    copied = await bot.copy_message(1001, 1001, asked)
    forwarded = await bot.forward_message(1001, 1001, asked)
    assert forwarded.forward_origin is not None
    seen = {it["id"]: it for it in await sim.transcript()}
    assert (seen[copied.message_id]["text"], seen[copied.message_id]["forward_from"]) == ("лиса", None)
    assert seen[forwarded.message_id]["forward_from"] == "Анна Белова"
    with pytest.raises(TelegramBadRequest, match="message to copy not found"):
        await bot.copy_message(1001, 1001, 999)


async def test_reactions_pins_and_chat_actions_show(bot: Bot, sim: Sim) -> None:
    asked = (await sim.say("hi"))["message"]["id"]
    await bot.set_message_reaction(1001, asked, [ReactionTypeEmoji(emoji="👍")])
    await bot.pin_chat_message(1001, asked)
    await bot.send_chat_action(1001, "upload_photo")
    seen = await sim.get("transcript", chat=1001)
    assert seen["messages"][0]["reactions"] == [{"emoji": "👍", "users": [123456]}]
    assert seen["messages"][0]["pinned"]
    assert seen["chat"]["actions"][0]["action"] == "upload_photo"
    with pytest.raises(TelegramBadRequest, match="REACTION_INVALID"):
        await bot.set_message_reaction(1001, asked, [ReactionTypeEmoji(emoji="🦊")])
    await bot.unpin_all_chat_messages(1001)
    assert not (await sim.transcript())[0]["pinned"]


async def test_nobody_is_written_to_who_never_wrote_or_who_blocked_the_bot(bot: Bot, sim: Sim) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(77, "hello?")
    await sim.say("hi")
    await sim.post("user", id=1001, blocked=True)
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(1001, "hello?")
    await sim.post("user", id=1001, blocked=False)
    await bot.send_message(1001, "hello!")


async def test_a_method_that_is_not_there_says_so(bot: Bot, sim: Sim, raw: Raw) -> None:
    await sim.say("hi")
    with pytest.raises(TelegramBadRequest, match="sendDice is not supported by the playground"):
        await bot.send_dice(1001)
    assert await raw("drawMeASheep") == (
        404,
        {"ok": False, "error_code": 404, "description": "Not Found: method not found"},
    )
