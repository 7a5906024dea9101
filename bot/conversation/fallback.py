"""Whatever nobody else wanted: a kind word in private, silence in groups."""

from __future__ import annotations

from collections import deque

from aiogram import Router
from aiogram.filters import BaseFilter
from aiogram.types import CallbackQuery, Message

from bot.jobs.ownership import gone
from bot.telegram.filters import InPrivate, Slashed, Spoken
from bot.texts.i18n import _


async def unknown_command(message: Message) -> None:
    await message.reply(_("I do not know this command. Here is what I know: /help"))


class FirstOfAlbum(BaseFilter):
    """Lets one message of an album through, so that ten photos do not get ten answers."""

    def __init__(self) -> None:
        self._seen: deque[str] = deque(maxlen=256)

    async def __call__(self, message: Message) -> bool:
        album = message.media_group_id
        if album is None or album not in self._seen:
            self._seen.append(album or "")
            return True
        return False


async def not_words(message: Message) -> None:
    await message.reply(
        _("I understand words and still pictures. Tell me what to draw, for example: {example}").format(
            example=_("a black cat in space")
        )
    )


async def dead_button(callback: CallbackQuery) -> None:
    """A button that is whole and stands for nothing."""
    await gone(callback)


def build() -> Router:
    router = Router(name="other")
    router.message.register(unknown_command, InPrivate(), Slashed())
    router.message.register(not_words, InPrivate(), Spoken(), FirstOfAlbum())
    router.callback_query.register(dead_button)
    return router
