"""What is done with a picture once it is known which picture, what to do, and in which words."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from bot.jobs.compose import Composition, missing
from bot.jobs.order import known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.questions import Question, ask
from bot.jobs.studio import Studio
from bot.modes import base as composition
from bot.modes.base import Degree, Wish
from bot.modes.mix import mixing
from bot.prompt import Command, PromptLine, parse
from bot.store import Given, Person
from bot.texts.i18n import _

Begin = Callable[[Studio, Origin, Person, Given, str], Awaitable[None]]

# Who takes over where more has to be asked first. Repainting and extending enter themselves.
BEGIN: dict[Command, Begin] = {"mix": mixing.begin}

_STRONG = re.compile(r"^(?:strong(?:ly)?|сильно|сильнее|сильная)\b[\s,:]*", re.IGNORECASE)
_SUBTLE = re.compile(r"^(?:subtle|subtly|чуть(?:-чуть)?|слегка|немного)\b[\s,:]*", re.IGNORECASE)


async def begin(studio: Studio, origin: Origin, person: Person, command: Command, given: Given, words: str) -> None:
    """Does what a command says with a picture. Raises one of order.REFUSALS."""
    if command in BEGIN:
        await BEGIN[command](studio, origin, person, given, words)
        return
    if command == "control" and not words:  # outlines alone say nothing of what they are to hold
        card = await known_card(studio.queue)
        if not composition.offered(card, command):
            raise missing(card, composition.SERVED_BY[command])
        await ask_for_words(studio, origin, command, given)
        return
    degree, words = degree_of(words) if command == "vary" else ("subtle", words)
    await do(studio, origin, person, command, given, parse(words, command), degree=degree)


async def do(
    studio: Studio,
    origin: Origin,
    person: Person,
    command: Command,
    given: Given,
    line: PromptLine,
    *,
    degree: Degree = "subtle",
    key: str | None = None,
) -> None:
    """Composes and orders one of the modes that need nothing more than a picture and a line."""
    card = await known_card(studio.queue)
    wish = Wish(line, person.preferences, card, origin.private)
    made = _composed(wish, command, given, degree)
    await order_or_ask(studio, origin, made, parents=(given.parent,), key=key)


async def transfer_style(
    studio: Studio, origin: Origin, person: Person, pictures: Sequence[Given], words: str, left_out: int = 0
) -> None:
    """The shapes of the first picture in the look of the others; says so if more were sent. Raises order.REFUSALS."""
    card = await known_card(studio.queue)
    line = parse(words, "control")
    content, *looks = pictures
    made = composition.control(Wish(line, person.preferences, card, origin.private), content, looks)
    parents = tuple(given.parent for given in pictures)
    if left_out:
        taken = _("I take four pictures at most: the shapes of the first, the look of the next three.")
        await studio.deliveries.say(origin, f"💬 {taken}")
    await order_or_ask(studio, origin, made, parents=parents)


def _composed(wish: Wish, command: Command, given: Given, degree: Degree) -> Composition:
    match command:
        case "vary":
            return composition.vary(wish, given, degree)
        case "restyle":
            return composition.restyle(wish, given)
        case "control":
            return composition.control(wish, given)
        case "upscale":
            return composition.upscale(wish, given, composition.size_asked(wish.line))
    raise TypeError(f"{command} needs more than a picture and a line")


def degree_of(words: str) -> tuple[Degree, str]:
    """How far a variation goes, said as its first word, and the words after it."""
    if _STRONG.match(words):
        return "strong", _STRONG.sub("", words)
    return "subtle", _SUBTLE.sub("", words)


async def ask_for_words(studio: Studio, origin: Origin, command: Command, given: Given, called: str = "") -> None:
    """Asks what the picture shall become; the answer to this message begins the work."""
    asked = _("What shall it become? Reply in a few words.")
    placeholder = _("for example: a watercolour, at night")
    question = Question(f"{called}💬 {asked}", placeholder, quiet=not origin.private)
    body = {"command": command, "given": given.model_dump(mode="json")}
    await ask(studio, origin, question, "words", body)
