"""The grammar of a prompt line: "a fox in the snow --ar 16:9 --no text --seed 42".

Words first, parameters after them (or the other way round), each introduced by two hyphens. Phones like to turn two
hyphens into one long dash, so a dash right before the name of a parameter counts as two hyphens.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

from bot.styles import find_style, nearest_style

Mode = Literal["flash", "full"]

MAX_RATIO = 4
BOUNDS: dict[str, tuple[float, float]] = {"seed": (0, 2**32 - 1), "n": (1, 10), "steps": (1, 100), "cfg": (0, 20)}
PARAMETERS = ("ar", "no", "seed", "style", "n", "full", "flash", "steps", "cfg")
ALIASES = {
    "aspect": "ar",
    "negative": "no",
    "guidance": "cfg",
    "count": "n",
    "без": "no",
    "стиль": "style",
    "формат": "ar",
    "зерно": "seed",
    "шаги": "steps",
}

_MARK = re.compile(r"(?:(?<=\s)|^)(?P<dash>-{2,3}|-?[\u2012-\u2015\u2212]{1,2}-?)(?P<name>[^\W\d_]\w*)")
_QUOTES = {'"': '"', "'": "'", "«": "»", "“": "”", "„": "“", "‘": "’"}


class PromptError(ValueError):
    """A line nothing can be drawn from. What a person reads is written in `bot.advice`."""


@dataclass(eq=False)
class UnknownParameter(PromptError):
    name: str
    nearest: str | None


@dataclass(eq=False)
class MissingValue(PromptError):
    parameter: str


@dataclass(eq=False)
class BadValue(PromptError):
    parameter: str
    value: str


@dataclass(eq=False)
class UnknownStyle(PromptError):
    value: str
    nearest: str | None


@dataclass(eq=False)
class Stray(PromptError):
    """Words after a parameter although the picture was described before it already."""

    words: str
    parameter: str


@dataclass(eq=False)
class Conflict(PromptError):
    """Flash was asked for together with something it has no use for."""

    parameter: str


class NoWords(PromptError):
    """Parameters only, or nothing at all."""


@dataclass(frozen=True)
class PromptLine:
    """What a person wrote, parameter by parameter; None where nothing was said."""

    prompt: str
    ar: tuple[int, int] | None = None
    no: str | None = None
    seed: int | None = None
    style: str | None = None
    n: int | None = None
    mode: Mode | None = None
    steps: int | None = None
    cfg: float | None = None


def parse(text: str) -> PromptLine:
    """The line a person meant. Raises PromptError."""
    pieces = list(_pieces(text))
    words: list[tuple[str, str | None]] = [(piece, name) for name, piece in pieces if name is None and piece]
    said: dict[str, Any] = {}
    for name, piece in pieces:
        if name is None:
            continue
        value, rest = _READERS[name](name, piece)
        if rest:
            words.append((rest, name))
        if name in ("full", "flash"):
            name = "mode"
        if name == "no" and said.get("no"):
            value = f"{said['no']}, {value}"
        said[name] = value
    if not words:
        raise NoWords
    if len(words) > 1:
        raise Stray(words[1][0], words[1][1] or "")
    if said.get("mode") == "flash":
        for name in ("steps", "cfg", "no"):
            if name in said:
                raise Conflict(name)
    return PromptLine(prompt=words[0][0], **said)


def write(line: PromptLine) -> str:
    """The line as a person could type it; `parse` gives it back."""
    parts = [line.prompt]
    for name in ("ar", "style", "n", "seed", "mode", "steps", "cfg", "no"):
        value = getattr(line, name)
        if value is None:
            continue
        if name == "mode":
            parts.append(f"--{value}")
        elif name == "ar":
            parts.append(f"--ar {value[0]}:{value[1]}")
        else:
            parts.append(f"--{name} {value:g}" if isinstance(value, float) else f"--{name} {value}")
    return " ".join(parts)


def _pieces(text: str) -> Iterator[tuple[str | None, str]]:
    """The words before the first parameter, then (parameter, everything up to the next one)."""
    marks = [mark for mark in _MARK.finditer(text) if mark["dash"].startswith("--") or _looks_known(mark["name"])]
    yield None, _tidy(text[: marks[0].start()] if marks else text)
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        name = mark["name"].lower()
        name = ALIASES.get(name, name)
        if name not in PARAMETERS:
            raise UnknownParameter(mark["name"], _nearest(name))
        yield name, _tidy(text[mark.end() : end].removeprefix("="))


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _nearest(name: str, cutoff: float = 0.5) -> str | None:
    near = difflib.get_close_matches(name, [*PARAMETERS, *ALIASES], n=1, cutoff=cutoff)
    return ALIASES.get(near[0], near[0]) if near else None


def _looks_known(name: str) -> bool:
    """Whether a dash before this word is meant as two hyphens: a dash may as well be punctuation."""
    name = name.lower()
    if name in PARAMETERS or name in ALIASES:
        return True
    longer = [known for known in (*PARAMETERS, *ALIASES) if len(known) > 3]
    return bool(difflib.get_close_matches(name, longer, n=1, cutoff=0.75))


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
    for length in range(len(words), 0, -1):
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
}
assert set(_READERS) == set(PARAMETERS)
assert {field.name for field in fields(PromptLine)} == {"prompt", "mode", *PARAMETERS} - {"full", "flash"}
