"""Every way in which a handler looks at a text, on the longest texts that are hard to look at.

`python -m tests.bot.prompt.long_texts` prints the slowest. A process of its own, because what is wrong with a
pattern is seen by its never coming to an end.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable

from bot.conversation import tree
from bot.conversation.plain_words import plainly_said
from bot.imaging.areas import split_area, tells_area
from bot.imaging.decoding import PictureRefused
from bot.jobs.mode import Modes
from bot.modes import MODES, enlarge, vary
from bot.modes.better_words import beautify
from bot.modes.better_words.rewriting import difference
from bot.modes.extend.canvas import read_direction
from bot.modes.intent import understood
from bot.prompt import PromptError, parse, read_back
from bot.prompt.said import wish_in
from bot.prompt.styles import find_style, language_of, nearest_style
from bot.telegram.addressed import is_courtesy
from bot.texts.html import escape, shortened
from bot.texts.i18n import speaking
from tests.bot.conversation.painter import SMALL

LONGEST = 4096  # characters of a message


def filled(unit: str, before: str = "", after: str = "") -> str:
    room = LONGEST - len(before) - len(after)
    return before + (unit * (room // len(unit) + 1))[:room] + after


TEXTS = (
    filled("a ", "--style "),
    filled("a", "--style "),
    filled("a ", '--style "', '"'),
    filled("--style anime "),
    filled("--no a "),
    filled("— слово "),
    filled("—стили "),
    filled("—ful "),
    filled("q", "--"),
    filled("--n 1 "),
    filled("--ar 1:1 "),
    filled("1", "--iw "),
    filled("-1", "--levels "),
    filled("– "),
    filled("—"),
    filled("-"),
    filled(" ", "a", "b"),
    filled("\t", "", "a"),
    filled("замени "),
    filled(" ", "замени", "x"),
    filled("a ", "замени "),
    filled("a ", "replace ", ":"),
    filled(" \n", "нарисуй", "x"),
    filled(" ", "вариация", ","),
    filled("left: "),
    filled("left "),
    filled("left and "),
    filled("1"),
    filled("1 "),
    filled("1,"),
    filled('"'),
    filled("«"),
    filled(","),
    filled("@"),
    filled("a@ "),
    filled("a-"),
    filled("<"),
    filled("&amp;"),
    filled("strong "),
    filled("zoom out "),
    filled("improve "),
    filled("покажи "),
    filled("x2 "),
    filled("a" * 7 + " "),
    filled("ё"),
    filled("ab ba b a "),
)
LOOKS: dict[str, Callable[[str], object]] = {
    **{f"parse {mode.name}": lambda text, mode=mode: parse(text, mode.parameters) for mode in MODES},
    "read back": read_back,
    "understood": lambda text: understood(text, Modes(MODES)),
    "an area": tells_area,
    "an area and words": split_area,
    "a direction": read_direction,
    "a wish": wish_in,
    "plain words": plainly_said,
    "a courtesy": is_courtesy,
    "a language": language_of,
    "a style": find_style,
    "the nearest style": nearest_style,
    "unknown words": SMALL.unknown_words,
    "a tree": tree._ALIAS.match,
    "to improve": beautify._ALIAS.match,
    "strong": vary._STRONG.match,
    "a factor": lambda text: list(enlarge._NUMBER.finditer(text)),
    "shortened": lambda text: escape(shortened(text, 60)),
    "a difference": lambda text: difference(text[:1000], text[500:1500]),
    "a mention": re.compile(r"(?<!\w)@studio_bot\b[\s,:]*", re.IGNORECASE).search,
}


def slowest() -> list[tuple[float, str, str]]:
    """(milliseconds, look, text) of every pair, the slowest first."""
    taken = []
    with speaking("en"):
        for name, look in LOOKS.items():
            for text in TEXTS:
                begun = time.perf_counter()
                with contextlib.suppress(PromptError, PictureRefused):
                    look(text)
                taken.append(((time.perf_counter() - begun) * 1000, name, text[:24]))
    return sorted(taken, reverse=True)


if __name__ == "__main__":
    for milliseconds, name, text in slowest()[:12]:
        print(f"{milliseconds:8.1f} ms  {name}: {text!r}")
