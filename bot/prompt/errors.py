"""Lines that nothing can be drawn from. What a person reads is written in `bot.conversation.advice`."""

from __future__ import annotations

from dataclasses import dataclass


class PromptError(ValueError):
    """A line nothing can be drawn from."""


@dataclass(eq=False)
class UnknownParameter(PromptError):
    name: str
    nearest: str | None


@dataclass(eq=False)
class Misplaced(PromptError):
    """A parameter of another command. `commands` are those that take it, as far as whoever raises it knows."""

    parameter: str
    commands: tuple[str, ...] = ()


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


class TooMuch(PromptError):
    """A line longer than any message, or with more parameters than there are."""
