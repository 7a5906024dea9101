"""One module per intention of a person. Handlers are thin: parse, submit, answer; none waits for a picture."""

from __future__ import annotations

from aiogram import Router

import bot.handlers.beautify as beautify
import bot.handlers.draw as draw
import bot.handlers.history as history
import bot.handlers.info as info
import bot.handlers.line as line
import bot.handlers.other as other
import bot.handlers.pictures as pictures
import bot.handlers.results as results
import bot.handlers.settings as settings
import bot.handlers.start as start
import bot.handlers.styles as styles

__all__ = ["build_router"]


def build_router() -> Router:
    """All handlers. Commands come before plain words, and what nobody wanted comes last."""
    router = Router(name="conversation")
    for module in (start, settings, styles, line, history, info, results, pictures, beautify, draw, other):
        router.include_router(module.build())
    return router
