"""✖️ under a question that is answered in words."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery

from bot.jobs.dialogs import drop
from bot.jobs.studio import Studio
from bot.store import Draft
from bot.telegram.callbacks import AskedButton
from bot.texts.i18n import _


async def press(callback: CallbackQuery, draft: Draft, studio: Studio) -> None:
    await callback.answer(_("Never mind, then."))
    await drop(studio, draft, callback.message)


def build() -> Router:
    router = Router(name="dialogs")
    router.callback_query.register(press, AskedButton.filter())
    return router
