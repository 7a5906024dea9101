"""Lines that nothing can be drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from bot.prompt.line import BOUNDS, MAX_RATIO, PARAMETERS
from bot.prompt.styles import style_name
from bot.texts.errors import ToldError
from bot.texts.html import excerpt
from bot.texts.i18n import _


class PromptError(ToldError, ValueError):
    """A line nothing can be drawn from."""


@dataclass(eq=False)
class UnknownParameter(PromptError):
    name: str
    nearest: str | None

    def told(self) -> str:
        if self.nearest is None:
            return _("I do not know --{name}. I know: {known}.").format(
                name=excerpt(self.name), known=" ".join(f"<code>--{known}</code>" for known in PARAMETERS)
            )
        return _("I do not know --{name}. Did you mean <code>--{nearest}</code>? Nothing was drawn.").format(
            name=excerpt(self.name), nearest=self.nearest
        )


@dataclass(eq=False)
class Misplaced(PromptError):
    """A parameter of another command. `commands` are those that take it, as far as whoever raises it knows."""

    parameter: str
    commands: tuple[str, ...] = ()

    def told(self) -> str:
        return _("--{parameter} belongs to {commands}. Leave it out here; nothing was drawn.").format(
            parameter=self.parameter,
            commands=" ".join(f"/{command}" for command in self.commands),
        )


@dataclass(eq=False)
class MissingValue(PromptError):
    parameter: str

    def told(self) -> str:
        return _("--{parameter} needs a value: {example}").format(
            parameter=self.parameter, example=_example(self.parameter)
        )


@dataclass(eq=False)
class BadValue(PromptError):
    parameter: str
    value: str

    def told(self) -> str:
        return _("“{value}” does not fit --{parameter}: {bounds}. For example: {example}").format(
            value=excerpt(self.value),
            parameter=self.parameter,
            bounds=self.fitting_values(),
            example=_example(self.parameter),
        )

    def fitting_values(self) -> str:
        """What the parameter takes, in words."""
        if self.parameter == "ar":
            return _("width to height, from 1:{most} to {most}:1").format(most=MAX_RATIO)
        if self.parameter == "method":
            return _("outlines, depth or scribble")
        lowest, highest = BOUNDS[self.parameter]
        if self.parameter == "levels":
            text = _("two different numbers for black and white, from {lowest} to {highest}")
        elif self.parameter in ("seed", "n", "steps"):
            text = _("a whole number from {lowest} to {highest}")
        else:
            text = _("a number from {lowest} to {highest}")
        return text.format(lowest=lowest, highest=highest)


@dataclass(eq=False)
class UnknownStyle(PromptError):
    value: str
    nearest: str | None

    def told(self) -> str:
        if self.nearest is None:
            return _("I do not know the style “{style}”. All styles: /styles").format(style=excerpt(self.value))
        return _(
            "I do not know the style “{style}”. Did you mean “{name}”: <code>--style {nearest}</code>? "
            "All styles: /styles"
        ).format(style=excerpt(self.value), name=style_name(self.nearest), nearest=self.nearest)


@dataclass(eq=False)
class Stray(PromptError):
    """Words after a parameter although the picture was described before it already."""

    words: str
    parameter: str

    def told(self) -> str:
        return _(
            "I do not know what to do with “{words}” after --{parameter}. "
            "Put all words of the picture first, the parameters after them."
        ).format(words=excerpt(self.words), parameter=self.parameter)


@dataclass(eq=False)
class Conflict(PromptError):
    """Flash was asked for together with something it has no use for."""

    parameter: str

    def told(self) -> str:
        return _(
            "Flash has no use for --{parameter}. Leave out --flash to draw in full quality, or leave out --{parameter}."
        ).format(parameter=self.parameter)


class NoWords(PromptError):
    """Parameters only, or nothing at all."""

    def told(self) -> str:
        return _("Tell me what to draw, in your own words. For example: {example}").format(
            example="<code>/imagine " + _("a black cat in space") + "</code>"
        )


class TooMuch(PromptError):
    """A line longer than any message, or with more parameters than there are."""

    def told(self) -> str:
        return _("That is more than I can read at once. A sentence or two and a few parameters will do.")


def _example(parameter: str) -> str:
    """A parameter with a value that it takes."""
    values = {
        "ar": "16:9",
        "no": _("text, people"),
        "seed": "42",
        "style": "anime",
        "n": "4",
        "steps": "30",
        "cfg": "3",
        "iw": "0.6",
        "strength": "0.6",
        "apart": "0.25",
        "scale": "0.8",
        "start": "0",
        "end": "0.8",
        "levels": "-1:1",
        "method": "depth",
    }
    return f"<code>--{parameter} {values[parameter]}</code>"
