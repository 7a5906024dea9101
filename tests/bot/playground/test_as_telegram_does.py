"""What other frameworks send: fields of other versions, file names of any form, tokens of any length."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import BufferedInputFile, InputMediaPhoto

from bot.playground import serve
from tests.bot.playground.conftest import TOKEN, Raw, Sim, picture

GROUP = -1000000000043


class Lenient:
    """A playground as people start it, which passes over what it does not know."""

    def __init__(self, sim: Sim) -> None:
        self.sim = sim

    async def call(self, method: str, token: str = TOKEN, **params: Any) -> Any:
        async with self.sim.session.post(f"{self.sim.url}/bot{token}/{method}", json=params) as answer:
            envelope = await answer.json()
            assert answer.status == 200, envelope
            return envelope["result"]

    async def ignored(self) -> list[str]:
        return (await self.sim.get("calls"))["calls"][-1]["ignored"]


@pytest.fixture
async def lenient(http: aiohttp.ClientSession) -> AsyncIterator[Lenient]:
    running = await serve(port=0)
    it = Lenient(Sim(running.url, http))
    await it.call("getMe")
    await it.sim.say("hi")
    yield it
    await running.close()


async def test_fields_that_do_not_exist_are_passed_over_and_listed(lenient: Lenient) -> None:
    button = {"text": "b", "callback_data": "x", "hide": False}
    await lenient.call(
        "sendMessage", chat_id=1001, text="x", tekst="y", reply_markup={"inline_keyboard": [[button]], "resize": 1}
    )
    assert sorted(await lenient.ignored()) == [
        "reply_markup.inline_keyboard[0][0].hide",
        "reply_markup.resize",
        "tekst",
    ]
    seen = (await lenient.sim.transcript())[-1]
    assert seen["buttons"][0][0]["data"] == "x"
    await lenient.call("sendMessage", chat_id=1001, text="x")
    assert await lenient.ignored() == []


async def test_fields_of_older_versions_do_what_they_did(lenient: Lenient) -> None:
    asked = (await lenient.sim.transcript())[0]["id"]
    sent = await lenient.call("sendMessage", chat_id=1001, text="ya.ru", reply_to_message_id=asked)
    assert sent["reply_to_message"]["message_id"] == asked
    gone: dict[str, Any] = {"reply_to_message_id": 999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await lenient.call("sendMessage", chat_id=1001, text="x", **gone)
    sent = await lenient.call("sendMessage", chat_id=1001, text="ya.ru", disable_web_page_preview=True)
    assert sent["link_preview_options"] == {"is_disabled": True}
    await lenient.call("sendMessage", chat_id=1001, text="x", allow_sending_without_reply=True)
    assert await lenient.ignored() == []


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="document"; filename=p.png', "p.png"),
        ("form-data; name=document; filename=лис.png", "лис.png"),
        ('form-data; name="document"; filename=my fox.png', "my fox.png"),
        ('form-data;filename="a;\\"b.png";name="document"', 'a;"b.png'),
        ("form-data; name=\"document\"; filename*=UTF-8''%D0%BB.png", "л.png"),
        ('form-data; name="document"; filename', None),
    ],
)
async def test_a_file_name_may_be_written_in_any_way(lenient: Lenient, disposition: str, name: str | None) -> None:
    status, envelope = await form(lenient, disposition)
    assert (status, envelope["result"]["document"].get("file_name")) == (200, name)


@pytest.mark.parametrize("disposition", ["form-data; filename=p.png", "attachment; filename=p.png", "", "form-data"])
async def test_a_part_without_a_name_is_a_refusal_and_no_fault_of_ours(lenient: Lenient, disposition: str) -> None:
    status, envelope = await form(lenient, disposition)
    assert (status, envelope["description"]) == (
        400,
        "Bad Request: field name in multipart/form-data not found",
    )


async def form(lenient: Lenient, disposition: str) -> tuple[int, dict[str, Any]]:
    head = f"Content-Disposition: {disposition}\r\n" if disposition else ""
    body = (
        '--x\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n1001\r\n'
        f"--x\r\n{head}Content-Type: image/png\r\n\r\nbytes\r\n--x--\r\n"
    )
    url = f"{lenient.sim.url}/bot{TOKEN}/sendDocument"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with lenient.sim.session.post(url, data=body.encode(), headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_form_that_breaks_off_is_refused(lenient: Lenient) -> None:
    url = f"{lenient.sim.url}/bot{TOKEN}/sendDocument"
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        async with lenient.sim.session.post(url, data=b"no form", headers={"Content-Type": content_type}) as answer:
            assert answer.status == 400


async def test_tokens_may_be_of_any_length(lenient: Lenient) -> None:
    for token in ("7:a", "8:" + "Z" * 200):
        assert (await lenient.call("getMe", token=token))["id"] == int(token[0])
    async with lenient.sim.session.get(f"{lenient.sim.url}/bot9:/getMe") as answer:
        assert answer.status == 401


async def test_parse_mode_outranks_entities(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    entities = [{"type": "code", "offset": 0, "length": 3}]
    sent = await bot.send_message(1001, "<b>x</b>", parse_mode="HTML", entities=entities)  # type: ignore[arg-type]
    assert (sent.text, [it.type for it in sent.entities or []]) == ("x", ["bold"])
    photo = BufferedInputFile(picture(8, 8), "p.png")
    sent = await bot.send_photo(1001, photo, caption="*x*", parse_mode="MarkdownV2", caption_entities=entities)  # type: ignore[arg-type]
    assert (sent.caption, [it.type for it in sent.caption_entities or []]) == ("x", ["bold"])
    with pytest.raises(TelegramBadRequest, match="can't parse entities"):
        await bot.send_message(1001, "<b>x", parse_mode="HTML", entities=entities)  # type: ignore[arg-type]


async def test_an_album_of_one_is_a_photo(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    media = [InputMediaPhoto(media=BufferedInputFile(picture(8, 8), "p.png"), caption="one")]
    (sent,) = await bot.send_media_group(1001, media)  # type: ignore[arg-type]
    assert (sent.caption, sent.media_group_id) == ("one", None)


async def test_who_left_a_group_is_no_member_and_the_group_sees_it(bot: Bot, sim: Sim, raw: Raw) -> None:
    await sim.say("/start", chat=GROUP)
    await bot.leave_chat(GROUP)
    seen = (await sim.transcript(GROUP))[-1]
    assert (seen["notice"], seen["from"]["id"]) == ("Playground bot left the group", bot.id)
    for method in ("getChat", "sendMessage", "leaveChat"):
        assert await raw(method, chat_id=GROUP, **({"text": "x"} if method == "sendMessage" else {})) == (
            403,
            {
                "ok": False,
                "error_code": 403,
                "description": "Forbidden: bot is not a member of the supergroup chat",
            },
        )
    await sim.post("chat", chat=GROUP, bot_present=True)
    await bot.send_message(GROUP, "back again")
    await sim.post("chat", chat=GROUP, bot_present=False)
    with pytest.raises(TelegramForbiddenError, match="bot was kicked"):
        await bot.send_message(GROUP, "x")


async def test_pinning_leaves_a_line_that_the_bot_hears_of(bot: Bot, sim: Sim) -> None:
    await sim.say("hi")
    await bot.get_updates(offset=-1)
    sent = await bot.send_message(1001, "a picture is coming")
    await bot.pin_chat_message(1001, sent.message_id, disable_notification=True)
    line = (await sim.transcript())[-1]
    assert line["notice"] == "Playground bot pinned “a picture is coming”"
    told = (await bot.get_updates())[-1].message
    assert told is not None
    assert told.from_user is not None
    assert (told.message_id, told.from_user.id) == (line["id"], bot.id)
    assert told.pinned_message is not None
    assert told.pinned_message.message_id == sent.message_id
    with pytest.raises(TelegramBadRequest, match="service messages can't be pinned"):
        await bot.pin_chat_message(1001, line["id"])
