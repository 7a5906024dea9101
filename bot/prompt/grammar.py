"""Reading a prompt line.

Words first, parameters after them (or the other way round), each introduced by two hyphens. Phones like to turn two
hyphens into one long dash, so a dash right before the name of a parameter counts as two hyphens.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from bot.prompt.errors import (
    BadValue,
    Conflict,
    Misplaced,
    MissingValue,
    NoWords,
    Stray,
    TooMuch,
    UnknownParameter,
    UnknownStyle,
)
from bot.prompt.line import (
    ALIASES,
    BOUNDS,
    MAX_RATIO,
    METHODS,
    NOT_FOR_FLASH,
    OF_WORDS,
    PARAMETERS,
    PromptLine,
)
from bot.prompt.said import says_something, seen
from bot.prompt.spelling import LONGEST_NAME, nearest
from bot.prompt.styles import find_style, most_words, nearest_style

_MARK = re.compile(r"(?:(?<=\s)|^)(?P<dash>-{2,3}|-?[\u2012-\u2015\u2212]{1,2}-?)(?P<name>[^\W\d_]\w*)")
LONGEST_LINE = 8192  # characters; twice what a message holds
MOST_PARAMETERS = 40  # in one line, repeated ones included
_QUOTES = {'"': '"', "'": "'", "«": "»", "“": "”", "„": "“", "‘": "’"}


def parse(text: str, taken: tuple[str, ...] | None = None) -> PromptLine:
    """The line that a person means where these parameters are taken, words or none; where none are given, the words of
    a picture and what goes with them. Raises PromptError."""
    line = _read(text, OF_WORDS if taken is None else taken)
    if not says_something(line.prompt):
        line = replace(line, prompt="")
    if taken is None and not line.prompt:
        raise NoWords
    for name in PARAMETERS:
        if name not in (OF_WORDS if taken is None else taken) and _is_said(line, name):
            raise Misplaced(name)
    return line


def read_back(text: str) -> PromptLine:
    """The line of any command, words or none, as `write` has written it: no dash means a parameter. PromptError."""
    return _read(text, ())


def _read(text: str, meant: tuple[str, ...]) -> PromptLine:
    """`meant` are the parameters that a dash in front stands for."""
    if len(text) > LONGEST_LINE:
        raise TooMuch
    pieces = list(_pieces(text, meant))
    words: list[tuple[str, str | None]] = [(piece, name) for name, piece in pieces if name is None and piece]
    said: dict[str, Any] = {}
    for name, piece in pieces:
        if name is None:
            continue
        value, rest = _READERS[name](name, piece)
        if rest:
            words.append((rest, name))
        if name in ("full", "flash"):
            name = "quality"
        if name == "no" and said.get("no"):
            value = f"{said['no']}, {value}"
        said[name] = value
    if len(words) > 1:
        raise Stray(words[1][0], words[1][1] or "")
    if said.get("quality") == "flash":
        for name in NOT_FOR_FLASH:
            if name in said:
                raise Conflict(name)
    if said.get("start", 0.0) > said.get("end", 1.0):
        raise BadValue("end", f"{said['end']:g}" if "end" in said else "1")
    return PromptLine(prompt=words[0][0] if words else "", **said)


def _is_said(line: PromptLine, name: str) -> bool:
    return line.quality == name if name in ("full", "flash") else getattr(line, name) is not None


def _pieces(text: str, meant: tuple[str, ...]) -> Iterator[tuple[str | None, str]]:
    """The words before the first parameter, then (parameter, everything up to the next one)."""
    marks = []
    guesses = 0
    for mark in _MARK.finditer(text):
        if mark["dash"].startswith("--"):
            marks.append(mark)
        elif guesses < MOST_PARAMETERS:  # so many dashes are punctuation
            guesses += 1
            if _looks_known(mark["name"], meant):
                marks.append(mark)
        if len(marks) > MOST_PARAMETERS:
            raise TooMuch
    yield None, seen(text[: marks[0].start()] if marks else text)
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        name = mark["name"].lower()
        name = ALIASES.get(name, name)
        if name not in PARAMETERS:
            raise UnknownParameter(mark["name"], _nearest(name, meant or PARAMETERS))
        yield name, seen(text[mark.end() : end].removeprefix("="))


def _nearest(name: str, meant: tuple[str, ...]) -> str | None:
    near = nearest(name, _spellings(meant))
    return ALIASES.get(near, near) if near else None


def _looks_known(name: str, meant: tuple[str, ...]) -> bool:
    """Whether a dash before this word is meant as two hyphens: a dash may as well be punctuation."""
    if len(name) > LONGEST_NAME:
        return False
    known = _spellings(meant)
    longer = [spelling for spelling in known if len(spelling) > 3]
    return name.lower() in known or bool(difflib.get_close_matches(name.lower(), longer, n=1, cutoff=0.75))


def _spellings(meant: tuple[str, ...]) -> list[str]:
    return [*meant, *(alias for alias, name in ALIASES.items() if name in meant)]


def _flag(name: str, text: str) -> tuple[str, str]:
    return name, text


def _free_text(name: str, text: str) -> tuple[str, str]:
    if not text:
        raise MissingValue(name)
    quoted, rest = _unquote(text)
    return (quoted, "") if quoted and not rest else (text, "")


def _style(name: str, text: str) -> tuple[str, str]:
    """The longest run of words that names a style, since many names have more than one."""
    if not text:
        raise MissingValue(name)
    quoted, rest = _unquote(text)
    if quoted:
        style = find_style(quoted)
        if style is None:
            raise UnknownStyle(quoted, nearest_style(quoted))
        return style.slug, rest
    words = text.split()
    for length in range(min(len(words), most_words()), 0, -1):
        style = find_style(" ".join(words[:length]))
        if style is not None:
            return style.slug, " ".join(words[length:])
    value = " ".join(words[:3])
    raise UnknownStyle(words[0], nearest_style(value) or nearest_style(words[0]))


def _ratio(name: str, text: str) -> tuple[tuple[int, int], str]:
    value, rest = _token(name, text)
    found = re.fullmatch(r"(\d{1,4})[:xх×/](\d{1,4})", value.lower(), flags=re.ASCII)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not width or not height or max(width / height, height / width) > MAX_RATIO:
        raise BadValue(name, value)
    return (width, height), rest


def _whole(name: str, text: str) -> tuple[int, str]:
    value, rest = _token(name, text)
    if not re.fullmatch(r"\d{1,12}", value, flags=re.ASCII) or not _within(name, int(value)):
        raise BadValue(name, value)
    return int(value), rest


def _decimal(name: str, text: str) -> tuple[float, str]:
    value, rest = _token(name, text)
    number = value.replace(",", ".")
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", number, flags=re.ASCII) or not _within(name, float(number)):
        raise BadValue(name, value)
    return round(float(number), 3), rest


def _levels(name: str, text: str) -> tuple[tuple[float, float], str]:
    """Two different numbers, "-1:1"; phones like to make a longer minus of a hyphen."""
    value, rest = _token(name, text)
    numbers = re.sub(r"[\u2012-\u2015\u2212]", "-", value).replace(",", ".")
    found = re.fullmatch(r"(-?\d{1,3}(?:\.\d{1,6})?):(-?\d{1,3}(?:\.\d{1,6})?)", numbers, flags=re.ASCII)
    black, white = (round(float(number), 3) for number in found.groups()) if found else (0.0, 0.0)
    if black == white or not _within(name, black) or not _within(name, white):
        raise BadValue(name, value)
    return (black, white), rest


def _within(name: str, value: float) -> bool:
    lowest, highest = BOUNDS[name]
    return lowest <= value <= highest


def _token(name: str, text: str) -> tuple[str, str]:
    value, _, rest = text.partition(" ")
    value = value.rstrip(".,;")
    if not value:
        raise MissingValue(name)
    return value, rest


def _unquote(text: str) -> tuple[str, str]:
    """("inside", "after") of a text that begins with a quotation, else ("", text)."""
    closing = _QUOTES.get(text[:1])
    end = text.find(closing, 1) if closing else -1
    return (text[1:end].strip(), text[end + 1 :].strip()) if end > 0 else ("", text)


def _said(name: str, text: str) -> tuple[bool, str]:
    return True, text


def _method(name: str, text: str) -> tuple[str, str]:
    value, rest = _token(name, text)
    method = METHODS.get(value.lower())
    if method is None:
        raise BadValue(name, value)
    return method, rest


_READERS: dict[str, Callable[[str, str], tuple[Any, str]]] = {
    "ar": _ratio,
    "no": _free_text,
    "seed": _whole,
    "style": _style,
    "n": _whole,
    "full": _flag,
    "flash": _flag,
    "steps": _whole,
    "cfg": _decimal,
    "iw": _decimal,
    "strength": _decimal,
    "apart": _decimal,
    "scale": _decimal,
    "start": _decimal,
    "end": _decimal,
    "levels": _levels,
    "method": _method,
    "drawn": _said,
    "whole": _said,
}
assert set(_READERS) == set(PARAMETERS)
assert {field.name for field in fields(PromptLine)} == {"prompt", "quality", *PARAMETERS} - {"full", "flash"}
