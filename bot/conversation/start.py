"""The welcome and the help."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandStart
from aiogram.types import Message

from bot.conversation import guide
from bot.jobs import cards, keyboards
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.telegram.screen import Screen, send


async def start(message: Message, studio: Studio, origin: Origin) -> None:
    card = studio.queue.card
    await send(studio.bot, origin.beside, Screen(guide.welcome(card), keyboards.examples(cards.examples(card))))


async def help_(message: Message, studio: Studio, origin: Origin) -> None:
    await send(studio.bot, origin.beside, Screen(guide.manual(studio.queue.card)))


def build() -> Router:
    router = Router(name="start")
    router.message.register(start, CommandStart())
    router.message.register(help_, Command("help"))
    return router
