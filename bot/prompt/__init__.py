"""The grammar of a prompt line: "a fox in the snow --ar 16:9 --no text --seed 42"."""

from bot.prompt.errors import (
    BadValue,
    Conflict,
    Misplaced,
    MissingValue,
    NoWords,
    PromptError,
    Stray,
    TooMuch,
    UnknownParameter,
    UnknownStyle,
)
from bot.prompt.grammar import parse, read_back
from bot.prompt.line import (
    BOUNDS,
    GUIDED,
    MAX_RATIO,
    NOT_FOR_FLASH,
    OF_WORDS,
    PARAMETERS,
    Method,
    PromptLine,
    Quality,
    write,
)

__all__ = [
    "BOUNDS",
    "GUIDED",
    "MAX_RATIO",
    "NOT_FOR_FLASH",
    "OF_WORDS",
    "PARAMETERS",
    "BadValue",
    "Conflict",
    "Method",
    "Misplaced",
    "MissingValue",
    "NoWords",
    "PromptError",
    "PromptLine",
    "Quality",
    "Stray",
    "TooMuch",
    "UnknownParameter",
    "UnknownStyle",
    "parse",
    "read_back",
    "write",
]
