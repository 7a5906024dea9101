"""The welcome and the help."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandStart
from aiogram.types import Message

from bot.conversation import guide
from bot.jobs import cards, keyboards
from bot.jobs.studio import Studio


async def start(message: Message, studio: Studio) -> None:
    await message.answer(
        guide.welcome(studio.queue.card),
        parse_mode="HTML",
        reply_markup=keyboards.examples(cards.examples(studio.queue.card)),
    )


async def help_(message: Message, studio: Studio) -> None:
    await message.answer(guide.manual(studio.queue.card), parse_mode="HTML")


def build() -> Router:
    router = Router(name="start")
    router.message.register(start, CommandStart())
    router.message.register(help_, Command("help"))
    return router
