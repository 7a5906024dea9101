"""A person in the playground: says things, presses buttons, reads what is there. Plain HTTP, nothing of the bot."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from PIL import Image

from tests.waiting import within

Message = dict[str, Any]
PATIENCE = 120.0


class Silence(AssertionError):
    """What was waited for did not come; says what the chat looked like instead."""


@dataclass(frozen=True)
class Person:
    session: aiohttp.ClientSession
    url: str
    id: int
    language: str = "ru"
    chat: int | None = None

    @property
    def chat_id(self) -> int:
        return self.chat or self.id

    async def post(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        async with self.session.post(f"{self.url}/sim/{path}", json=fields) as response:
            answer: dict[str, Any] = await response.json()
        assert answer["ok"], answer
        return answer

    async def get(self, path: str) -> dict[str, Any]:
        async with self.session.get(f"{self.url}/sim/{path}") as response:
            answer: dict[str, Any] = await response.json()
        assert answer["ok"], answer
        return answer

    async def say(self, text: str, **fields: Any) -> dict[str, Any]:
        who = {"user": self.id, "chat": self.chat_id, "language": self.language}
        return await self.post("message", {**who, "text": text, **fields})

    async def press(self, message: Message, button: str) -> dict[str, Any]:
        """Presses the button whose text contains `button`, the first of them."""
        name = next(text for text in buttons(message) if button in text)
        pressed = {"user": self.id, "chat": self.chat_id, "message_id": message["id"], "button": name}
        return await self.post("press", {**pressed, "wait": PATIENCE})

    async def messages(self) -> list[Message]:
        return list((await self.get(f"transcript?chat={self.chat_id}"))["messages"])

    async def message(self, message_id: int) -> Message:
        return next(message for message in await self.messages() if message["id"] == message_id)

    async def is_gone(self, message: Message) -> bool:
        """Whether a message has been taken back."""
        return bool((await self.message(message["id"]))["deleted"])

    async def until(self, seen: Callable[[Message], bool], *, after: int = 0, patience: float = PATIENCE) -> Message:
        """The first message from the bot, newer than `after`, that satisfies `seen`, as soon as there is one."""
        said: list[Message] = []

        async def found() -> Message | None:
            everything = await self.messages()
            said[:] = [m for m in everything if m["id"] > after and not m["deleted"] and m["from"]["is_bot"]]
            return next((message for message in said if seen(message)), None)

        if (message := await within(patience, found)) is None:
            raise Silence(f"nothing such within {patience} s; the bot said {[reading(m) for m in said]}")
        return message

    async def results(self, count: int, *, patience: float = PATIENCE) -> list[Message]:
        """All finished pictures of the chat, as soon as there are `count`."""
        found: list[Message] = []

        async def enough() -> bool:
            found[:] = [message for message in await self.messages() if is_result(message)]
            return len(found) >= count

        if not await within(patience, enough):
            raise Silence(f"{len(found)} of {count} results within {patience} s")
        return found

    async def draw(self, text: str, *, patience: float = PATIENCE, **fields: Any) -> Message:
        """Says a sentence and waits for its grid."""
        asked = (await self.say(text, **fields))["message"]
        return await self.until(is_result, after=asked["id"], patience=patience)

    async def bytes_of(self, file: dict[str, Any]) -> bytes:
        async with self.session.get(f"{self.url}{file['file_url']}") as response:
            assert response.status == 200, response.status
            return await response.read()

    async def picture(self, file: dict[str, Any]) -> Image.Image:
        return Image.open(io.BytesIO(await self.bytes_of(file))).convert("RGB")


def buttons(message: Message) -> list[str]:
    return [key["text"] for row in message["buttons"] for key in row]


def reading(message: Message) -> str:
    """What a person reads of a message, in one line."""
    body = message["text"] or message["caption"] or ""
    kind = "photo" if message["photo"] else "file" if message["document"] else "text"
    return f"{message['id']}:{kind}:{body[:120]!r}:{buttons(message)}"


def is_result(message: Message) -> bool:
    """A finished picture: a photo that offers more than to cancel."""
    return bool(message["photo"]) and len(buttons(message)) > 3
