"""The languages the bot speaks and how one is chosen for a person."""

from __future__ import annotations

import re
from typing import Final, Literal

Language = Literal["ru", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("ru", "en")

# Clients in these languages are read by people who, as a rule, are at home in Russian rather than in English.
_READ_RUSSIAN: Final = frozenset({"ru", "be", "kk", "ky", "tg", "uk", "uz"})

_CYRILLIC: Final = re.compile(r"[\u0400-\u052f]")


def in_cyrillic(text: str) -> bool:
    """Whether there is a Cyrillic letter in a text."""
    return _CYRILLIC.search(text) is not None


def language_for(client_language: str | None, default: Language = "en") -> Language:
    """The language for an IETF tag as Telegram clients send it ("pt-br", "ru"); `default` where none was sent."""
    if not client_language:
        return default
    primary = client_language.replace("_", "-").partition("-")[0].lower()
    return "ru" if primary in _READ_RUSSIAN else "en"
