"""One module per intention of a person. Handlers are thin: parse, submit, answer; none waits for a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiogram import Router

import bot.conversation.dialogs as dialogs
import bot.conversation.edit as edit
import bot.conversation.edited as edited
import bot.conversation.fallback as fallback
import bot.conversation.history as history
import bot.conversation.info as info
import bot.conversation.kept as kept
import bot.conversation.pictures as pictures
import bot.conversation.plain_words as plain_words
import bot.conversation.programs as programs
import bot.conversation.queue as queue
import bot.conversation.reactions as reactions
import bot.conversation.results as results
import bot.conversation.settings as settings
import bot.conversation.start as start
import bot.conversation.styles as styles
import bot.conversation.tree as tree
import bot.conversation.with_picture as with_picture
from bot.jobs.mode import Mode
from bot.modes import press

__all__ = ["build_router"]


def build_router(modes: Iterable[Mode[Any]]) -> Router:
    """All handlers. Commands come before plain words, and what nobody wanted comes last."""
    own = [mode.routers() for mode in modes]
    commands = (start, settings, styles, queue, history, tree, programs)
    buttons = (reactions, results, dialogs, edit, kept, pictures, press)
    ordered = [
        *(routers.first for routers in own),
        *(module.build() for module in commands),
        plain_words.build_cancel(),  # what ends a question comes before what answers it
        *(module.build() for module in buttons),
        *(routers.among for routers in reversed(own)),  # what answers a question of ours before what may begin anew
        with_picture.build(),
        info.build(),
        plain_words.build(),
        *(routers.last for routers in own),
        fallback.build(),
    ]
    router = Router(name="conversation")
    router.include_routers(*(one for one in ordered if one is not None), edited.build(router))
    return router
