"""One module per intention of a person. Handlers are thin: parse, submit, answer; none waits for a picture."""

from __future__ import annotations

from aiogram import Router

import bot.conversation.edit as edit
import bot.conversation.fallback as fallback
import bot.conversation.history as history
import bot.conversation.info as info
import bot.conversation.pictures as pictures
import bot.conversation.queue as queue
import bot.conversation.results as results
import bot.conversation.settings as settings
import bot.conversation.start as start
import bot.conversation.styles as styles
import bot.conversation.tree as tree
import bot.conversation.with_picture as with_picture
import bot.modes.better_words.beautify as beautify
import bot.modes.extend.asking as extend
import bot.modes.mix.press as mix
import bot.modes.press as press
import bot.modes.repaint.asking as repaint
import bot.modes.repaint.painted as painted
import bot.modes.words as draw

__all__ = ["build_router"]


def build_router() -> Router:
    """All handlers. Commands come before plain words, and what nobody wanted comes last."""
    router = Router(name="conversation")
    commands = (start, settings, styles, queue, history, tree)
    buttons = (results, edit, pictures, press, mix)
    areas = (repaint, extend)
    for module in (painted, *commands, *buttons, *areas, beautify, with_picture, info, draw, fallback):
        router.include_router(module.build())
    return router
