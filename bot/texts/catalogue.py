"""Where the catalogues lie and how one is read. English stands in the code and has none."""

from __future__ import annotations

from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po

from bot.texts.languages import LANGUAGES, Language

DOMAIN = "bot"
SOURCE: Language = "en"  # what the code is written in
TRANSLATED: tuple[Language, ...] = tuple(language for language in LANGUAGES if language != SOURCE)
LOCALES = Path(__file__).parent / "locales"


def po_path(language: str, locales: Path = LOCALES) -> Path:
    return locales / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(language: str, locales: Path = LOCALES) -> Catalog:
    with po_path(language, locales).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN, abort_invalid=True)
