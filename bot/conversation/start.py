"""The welcome and the help."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandStart
from aiogram.types import Message

from bot.conversation import guide
from bot.jobs import cards, keyboards
from inference.queue.dispatcher import Dispatcher


async def start(message: Message, queue: Dispatcher) -> None:
    await message.answer(
        guide.welcome(queue.card), parse_mode="HTML", reply_markup=keyboards.examples(cards.examples(queue.card))
    )


async def help_(message: Message, queue: Dispatcher) -> None:
    await message.answer(guide.manual(queue.card), parse_mode="HTML")


def build() -> Router:
    router = Router(name="start")
    router.message.register(start, CommandStart())
    router.message.register(help_, Command("help"))
    return router
