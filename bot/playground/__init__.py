"""A local Telegram for any bot: Bot API server, chat page, and a JSON interface for tests (README.md)."""

from bot.playground.server import Playground, serve

__all__ = ["Playground", "serve"]
