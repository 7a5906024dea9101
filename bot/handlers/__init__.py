"""One module per intention of a person. Handlers are thin: parse, submit, answer; none waits for a picture."""

from __future__ import annotations

from aiogram import Router

from bot.handlers import draw, history, info, line, other, pictures, results, settings, start, styles

__all__ = ["build_router"]


def build_router() -> Router:
    """All handlers. Commands come before plain words, and what nobody wanted comes last."""
    router = Router(name="conversation")
    for module in (start, settings, styles, line, history, info, results, pictures, draw, other):
        router.include_router(module.build())
    return router
