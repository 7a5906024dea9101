"""What is done with a picture once it is known which picture, what to do, and in which words."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from bot.jobs.compose import Composition, missing
from bot.jobs.desk import Desk
from bot.jobs.intake import Origin, known_card
from bot.jobs.ordering import Order, order_picture
from bot.jobs.questions import Question, ask
from bot.modes import composition, mixing
from bot.modes.composition import Degree, Wish
from bot.prompt import Command, PromptLine, parse
from bot.store import Given, Person
from bot.texts.i18n import _

Begin = Callable[[Desk, Origin, Person, Given, str], Awaitable[None]]

# Who takes over where more has to be asked first. Repainting and extending enter themselves.
BEGIN: dict[Command, Begin] = {"mix": mixing.begin}

_STRONG = re.compile(r"^(?:strong(?:ly)?|сильно|сильнее|сильная)\b[\s,:]*", re.IGNORECASE)
_SUBTLE = re.compile(r"^(?:subtle|subtly|чуть(?:-чуть)?|слегка|немного)\b[\s,:]*", re.IGNORECASE)


async def begin(desk: Desk, origin: Origin, person: Person, command: Command, given: Given, words: str) -> None:
    """Does what a command says with a picture. Raises one of intake.REFUSALS."""
    if command in BEGIN:
        await BEGIN[command](desk, origin, person, given, words)
        return
    if command == "control" and not words:  # outlines alone say nothing of what they are to hold
        card = await known_card(desk.queue)
        if not composition.offered(card, command):
            raise missing(card, composition.SERVED_BY[command])
        await ask_for_words(desk, origin, command, given)
        return
    degree, words = degree_of(words) if command == "vary" else ("subtle", words)
    await do(desk, origin, person, command, given, parse(words, command), degree=degree)


async def do(
    desk: Desk,
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
    card = await known_card(desk.queue)
    wish = Wish(line, person.preferences, card, origin.private)
    made = _composed(wish, command, given, degree)
    unknown = card.unknown_words(line.prompt) if command != "upscale" else ()
    await order_picture(desk, origin, Order(made, command, (given.parent,), key, unknown))


async def transfer_style(
    desk: Desk, origin: Origin, person: Person, pictures: Sequence[Given], words: str, left_out: int = 0
) -> None:
    """The shapes of the first picture in the look of the others; says so if more were sent. Raises intake.REFUSALS."""
    card = await known_card(desk.queue)
    line = parse(words, "control")
    content, *looks = pictures
    made = composition.control(Wish(line, person.preferences, card, origin.private), content, looks)
    unknown = card.unknown_words(line.prompt)
    parents = tuple(given.parent for given in pictures)
    if left_out:
        taken = _("I take four pictures at most: the shapes of the first, the look of the next three.")
        await desk.deliveries.say(origin, f"💬 {taken}")
    await order_picture(desk, origin, Order(made, "control", parents, unknown=unknown))


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


async def ask_for_words(desk: Desk, origin: Origin, command: Command, given: Given, called: str = "") -> None:
    """Asks what the picture shall become; the answer to this message begins the work."""
    asked = _("What shall it become? Reply in a few words.")
    placeholder = _("for example: a watercolour, at night")
    question = Question(f"{called}💬 {asked}", placeholder, quiet=not origin.private)
    body = {"command": command, "given": given.model_dump(mode="json")}
    await ask(desk, origin, question, "words", body)
