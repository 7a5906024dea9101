"""Whatever nobody else wanted: a kind word in private, silence in groups."""

from __future__ import annotations

from collections import deque

from aiogram import Router
from aiogram.filters import BaseFilter
from aiogram.types import CallbackQuery, Message

from bot.conversation.commands import served_now
from bot.conversation.plain_words import plainly_said
from bot.jobs.ownership import gone
from bot.jobs.studio import Studio
from bot.prompt.said import says_something
from bot.prompt.spelling import nearest
from bot.telegram.filters import InPrivate, Slashed, Spoken
from bot.texts.html import excerpt
from bot.texts.i18n import _


async def unknown_command(message: Message, studio: Studio) -> None:
    """Names the nearest one: "/отмена" is meant like "отмена", "/histroy" and "/һistory" are slips."""
    called = (message.text or "")[1:].split(maxsplit=1) or [""]
    name = called[0].partition("@")[0]
    known = served_now(studio)
    near = plainly_said(name) or nearest(name, [*known, *ALSO_KNOWN]) if says_something(name) else None
    if near != name and (near in known or near in ALSO_KNOWN):  # the same name may be said to another bot
        text = _("I do not know /{name}. Did you mean /{nearest}? All that I know: /help")
        await message.reply(text.format(name=excerpt(name), nearest=near))
    else:
        await message.reply(_("I do not know this command. Here is what I know: /help"))


ALSO_KNOWN = ("start", "draw")


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
