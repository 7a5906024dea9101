"""Styles: words added behind a prompt, and words to avoid, in the language the prompt is written in.

The texts are in `styles.toml`. They address the released checkpoints; a small checkpoint that knows no such words
draws without.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bot.texts.i18n import spoken
from bot.texts.languages import Language

PLAIN_STYLE = "default"
LONGEST_NAME = 80  # characters that are compared with the names of styles


@dataclass(frozen=True)
class Style:
    """`names`, `suffix` and `negative` are given by language; the plain style has empty texts."""

    slug: str
    emoji: str
    names: dict[Language, str]
    suffix: dict[Language, str]
    negative: dict[Language, str]
    aliases: tuple[str, ...]

    def name(self, language: Language) -> str:
        return self.names[language]


@cache
def styles() -> dict[str, Style]:
    """All styles by slug, in the order they are shown; the first one adds nothing."""
    with (Path(__file__).parent / "styles.toml").open("rb") as file:
        rows = tomllib.load(file)
    return {
        slug: Style(
            slug=slug,
            emoji=row["emoji"],
            names=row["name"],
            suffix=row.get("suffix", {"ru": "", "en": ""}),
            negative=row.get("negative", {"ru": "", "en": ""}),
            aliases=tuple(row.get("aliases", ())),
        )
        for slug, row in rows.items()
    }


def style_name(slug: str | None) -> str:
    """In the language being spoken; None is no style."""
    style = styles().get(slug or PLAIN_STYLE)
    return style.name("ru" if spoken() == "ru" else "en") if style else str(slug)


def find_style(name: str) -> Style | None:
    """The style with this slug, Russian or English name, or alias; case, ё, hyphens and underscores do not matter."""
    slug = _names().get(_plain(name))
    return styles()[slug] if slug else None


def nearest_style(name: str) -> str | None:
    """The slug of the style whose name is most like this one."""
    near = difflib.get_close_matches(_plain(name[:LONGEST_NAME]), list(_names()), n=1, cutoff=0.6)
    return _names()[near[0]] if near else None


@cache
def most_words() -> int:
    """Of how many words the longest name of a style is."""
    return max(len(name.split()) for name in _names())


def language_of(text: str) -> Language:
    """The language of the letters in a prompt, by majority."""
    cyrillic = len(re.findall(r"[а-яё]", text, flags=re.IGNORECASE))
    latin = len(re.findall(r"[a-z]", text, flags=re.IGNORECASE))
    return "ru" if cyrillic > latin else "en"


@cache
def _names() -> dict[str, str]:
    return {
        _plain(name): slug for slug, style in styles().items() for name in (slug, *style.names.values(), *style.aliases)
    }


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[-_]", " ", name.lower().replace("ё", "е")).split())
