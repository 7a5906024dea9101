"""What is told of files is kept, people send and forward whatever a chat may hold, drafts are shown and gone."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, InputMediaVideo, MessageOriginChannel, MessageOriginChat, MessageOriginUser

from bot.playground.validate import problems_of
from tests.bot.playground.conftest import Raw, Sim, picture
from tests.bot.playground.test_user_plane import form

GROUP, CHANNEL = -1000000000044, -1000000000045


def film(name: str = "v.mp4") -> BufferedInputFile:
    return BufferedInputFile(b"not really a film", name)


async def test_what_a_bot_tells_of_a_file_is_kept(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    preview = BufferedInputFile(picture(64, 32, "JPEG"), "t.jpg")
    video = (await bot.send_video(1001, film(), duration=9, width=640, height=360, thumbnail=preview)).video
    assert video is not None
    assert video.thumbnail is not None
    assert (video.duration, video.width, video.height, video.thumbnail.width) == (9, 640, 360, 64)
    song = BufferedInputFile(b"not really a song", "a.mp3")
    audio = (await bot.send_audio(1001, song, duration=7, performer="Fox", title="Snow")).audio
    assert audio is not None
    assert (audio.duration, audio.performer, audio.title) == (7, "Fox", "Snow")
    voice = (await bot.send_voice(1001, BufferedInputFile(b"ogg", "v.ogg"), duration=3)).voice
    assert voice is not None
    assert voice.duration == 3
    again = (await bot.send_video(1001, video.file_id, duration=1)).video
    assert again is not None
    assert again.duration == 9, "a file that is known keeps what was told of it first"
    album = [InputMediaVideo(media=film("1.mp4"), duration=4), InputMediaVideo(media=film("2.mp4"), width=8, height=6)]
    first, second = await bot.send_media_group(1001, album)  # type: ignore[arg-type]
    assert first.video is not None
    assert second.video is not None
    assert (first.video.duration, second.video.width) == (4, 8)
    sticker = (await bot.send_sticker(1001, BufferedInputFile(picture(512, 512, "WEBP"), "s.webp"), emoji="🦊")).sticker
    assert sticker is not None
    assert sticker.emoji == "🦊"


async def test_what_cannot_be_kept_is_refused(bot: Bot, sim: Sim, raw: Raw) -> None:
    await sim.say("hi")
    with pytest.raises(TelegramBadRequest, match="cover of videos is not supported"):
        await bot.send_video(1001, film(), cover=BufferedInputFile(picture(8, 8), "c.png"))
    with pytest.raises(TelegramBadRequest, match="start timestamp of videos is not supported"):
        await bot.send_video(1001, film(), start_timestamp=5)
    media = {"type": "live_photo", "media": "x", "photo": "y"}
    status, envelope = await raw("sendMediaGroup", chat_id=1001, media=[media])
    assert (status, envelope["description"]) == (400, "Bad Request: live photo is not supported by the playground")


async def test_people_send_voices_films_and_music(bot: Bot, sim: Sim) -> None:
    await bot.get_updates()
    await sim.post("message", form(("voice", b"ogg", "v.ogg"), user=1001, duration=5))
    await sim.post("message", form(("video", b"mp4", "v.mp4"), user=1001, width=640, height=360, caption="look"))
    await sim.post("message", form(("audio", b"mp3", "a.mp3"), user=1001, performer="Fox", title="Snow"))
    mixed = form(("photo", picture(30, 20), "p.png"), ("video", b"mp4", "w.mp4"), user=1001, caption="both")
    assert len((await sim.post("message", mixed))["messages"]) == 2
    told = [it.message for it in await bot.get_updates() if it.message]
    assert [it.content_type for it in told] == ["voice", "video", "audio", "photo", "video"]
    assert told[0].voice is not None
    assert (told[0].voice.duration, told[0].voice.mime_type) == (5, "audio/ogg")
    assert told[1].video is not None
    assert (told[1].video.width, told[1].caption) == (640, "look")
    assert told[3].media_group_id == told[4].media_group_id
    seen = (await sim.transcript())[2]["media"]
    assert (seen["type"], seen["performer"], seen["title"]) == ("audio", "Fox", "Snow")
    two = form(("voice", b"a", "a.ogg"), ("voice", b"b", "b.ogg"), user=1001)
    await sim.post("message", two, status=400)
    await sim.post("message", form(("voice", b"a", "a.ogg"), ("photo", b"b", "b.png"), user=1001), status=400)


async def test_people_forward_and_the_bot_hears_whose_it_was(bot: Bot, sim: Sim) -> None:
    await sim.say("/start", chat=GROUP, title="Foxes", name="Anna")
    await sim.post("chat", chat=CHANNEL, type="channel", title="News", admins=[1001])
    hers = (await sim.say("a fox", chat=GROUP, user=1002, name="Bob"))["message"]["id"]
    theirs = (await sim.say("no names", chat=GROUP, sender_chat=GROUP))["message"]["id"]
    news = (await sim.say("news", chat=GROUP, sender_chat=CHANNEL, automatic_forward=True))["message"]["id"]
    ours = (await bot.send_photo(GROUP, BufferedInputFile(picture(8, 8), "p.png"), caption="ours")).message_id
    await bot.get_updates(offset=-1)
    sent = await sim.post("forward", user=1001, from_chat=GROUP, message_ids=[hers, theirs, news, ours])
    for it in (await sim.get("updates"))["updates"]:
        assert [f"{p.path}: {p.reason}" for p in problems_of("Update", it["update"])] == [], it
    told = [it.message for it in await bot.get_updates() if it.message and it.message.forward_origin]
    origins = [it.forward_origin for it in told]
    assert isinstance(origins[0], MessageOriginUser)
    assert isinstance(origins[1], MessageOriginChat)
    assert isinstance(origins[2], MessageOriginChannel)
    assert isinstance(origins[3], MessageOriginUser)
    assert (origins[0].sender_user.id, origins[3].sender_user.id) == (1002, bot.id)
    assert [it.chat.id for it in told] == [1001] * 4
    assert (told[3].caption, told[3].photo is not None) == ("ours", True)
    assert [it["forward_from"] for it in sent["messages"]] == ["Bob", "Foxes", "News", "Playground bot"]


async def test_nobody_forwards_what_they_do_not_see_or_what_must_stay(bot: Bot, sim: Sim) -> None:
    await sim.say("/start", chat=GROUP)
    await sim.say("hi", user=1003)
    kept = (await bot.send_message(1003, "stay", protect_content=True)).message_id
    await sim.post("forward", user=1003, message_id=kept, status=403)
    await sim.post("forward", user=1003, from_chat=GROUP, message_id=1, status=403)
    await sim.post("forward", user=1003, message_id=999, status=404)


async def test_a_draft_is_shown_until_the_message_comes(bot: Bot, sim: Sim, raw: Raw) -> None:
    await bot.get_updates(allowed_updates=["message", "stopped_message_generation"])
    await sim.say("hi")

    async def draft(**params: Any) -> Any:
        status, envelope = await raw("sendMessageDraft", **{"chat_id": 1001, "draft_id": 7, **params})
        return envelope["result"] if status == 200 else envelope["description"]

    async def shown() -> Any:
        return (await sim.get("transcript", chat=1001))["chat"]["draft"]

    assert await draft() is True
    assert (await shown())["text"] == "", "a bot that thinks"
    await draft(text="<b>a f</b>", parse_mode="HTML")
    assert ((await shown())["text"], (await shown())["entities"][0]["type"]) == ("a f", "bold")
    assert len(await sim.transcript()) == 1, "a draft is no message"
    await sim.post("stop", user=1001, status=404)
    await draft(text="a fo", can_stop=True)
    await sim.post("stop", user=1001)
    assert await shown() is None
    stopped = (await bot.get_updates())[-1].model_dump(exclude_none=True)["stopped_message_generation"]
    assert stopped["draft_id"] == 7
    await draft(text="a fox")
    await bot.send_message(1001, "a fox is here")
    assert await shown() is None
    await sim.say("/start", chat=GROUP)
    assert "private chats only" in await draft(chat_id=GROUP)
    assert "non-zero" in await draft(draft_id=0)
    assert "too long" in await draft(text="x" * 4097)
