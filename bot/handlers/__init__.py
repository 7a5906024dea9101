"""One module per intention of a person. Handlers are thin: parse, submit, answer; none waits for a picture."""

from __future__ import annotations

from aiogram import Router

import bot.handlers.beautify as beautify
import bot.handlers.draw as draw
import bot.handlers.edit as edit
import bot.handlers.extend as extend
import bot.handlers.history as history
import bot.handlers.info as info
import bot.handlers.line as line
import bot.handlers.mix as mix
import bot.handlers.other as other
import bot.handlers.painted as painted
import bot.handlers.pictures as pictures
import bot.handlers.repaint as repaint
import bot.handlers.results as results
import bot.handlers.settings as settings
import bot.handlers.start as start
import bot.handlers.styles as styles
import bot.handlers.tree as tree
import bot.handlers.with_picture as with_picture
import bot.handlers.works as works

__all__ = ["build_router"]


def build_router() -> Router:
    """All handlers. Commands come before plain words, and what nobody wanted comes last."""
    router = Router(name="conversation")
    commands = (start, settings, styles, line, history, tree)
    buttons = (results, edit, pictures, works, mix)
    areas = (repaint, extend)
    for module in (painted, *commands, *buttons, *areas, beautify, with_picture, info, draw, other):
        router.include_router(module.build())
    return router
