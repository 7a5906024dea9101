"""A Telegram that answers from a script and writes down what it was asked, when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.methods import TelegramMethod
from aiogram.types import Chat, Message

TOKEN = "123456:" + "T" * 35
SENT = datetime.fromtimestamp(0, UTC)

Answer = Callable[[TelegramMethod[Any]], Any]


@dataclass(frozen=True)
class Call:
    method: TelegramMethod[Any]
    time: float

    @property
    def name(self) -> str:
        return self.method.__api_method__


class ScriptedSession(BaseSession):
    """`script` maps a method name to the answers it gives next, exceptions raised; then it does what is asked."""

    def __init__(self, **script: list[Any]) -> None:
        super().__init__()
        self.script = script
        self.calls: list[Call] = []
        self.latency = 0.0
        self._message_id = 100

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        self.calls.append(Call(method, asyncio.get_running_loop().time()))
        if self.latency:
            await asyncio.sleep(self.latency)
        planned = self.script.get(method.__api_method__)
        if planned:
            answer = planned.pop(0)
            if callable(answer):
                answer = answer(method)
            if isinstance(answer, BaseException):
                raise answer
            return answer
        if method.__api_method__.startswith("send") and method.__api_method__ != "sendChatAction":
            self._message_id += 1
            chat = Chat(id=method.chat_id, type="private" if method.chat_id > 0 else "group")
            return Message(message_id=self._message_id, date=SENT, chat=chat)
        return True

    def named(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]

    async def close(self) -> None:
        pass

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError
        yield b""


def scripted_bot(**script: list[Any]) -> tuple[Bot, ScriptedSession]:
    session = ScriptedSession(**script)
    return Bot(TOKEN, session=session), session
