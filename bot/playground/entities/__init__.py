"""Formatted text: from markup to plain text and entities with UTF-16 offsets."""

from bot.playground.entities.parse import FormattedText, formatted

__all__ = ["FormattedText", "formatted"]
