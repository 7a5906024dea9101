"""A picture and words: the look from one, the content from both."""

from __future__ import annotations

from bot.jobs.compose import missing
from bot.jobs.mode import Action, Mode, Pressed, offered
from bot.jobs.order import asked_by, known_card, order_or_ask
from bot.jobs.origin import Origin
from bot.jobs.studio import Studio
from bot.modes.base import ask_for_words
from bot.modes.drawing import FROM_PICTURES, RESTYLED_BY, restyle
from bot.prompt import parse
from bot.prompt.said import says_something
from bot.store import Given, Person
from bot.texts.i18n import N_

PARAMETERS = (*FROM_PICTURES, "strength")
NOT_LARGER = r"(?!\s+(?:(?:по)?больше|(?:по)?крупнее|bigger|larger)\W*$)"  # that is another wish


async def begin(studio: Studio, origin: Origin, person: Person, given: Given, words: str) -> None:
    """Draws anew what the words say, or asks for them. Raises REFUSALS."""
    if not says_something(words):
        card = await known_card(studio.queue)
        if not offered(card, RESTYLED_BY):
            raise missing(card, RESTYLED_BY)
        await ask_for_words(studio, origin, RESTYLE.name, given)
        return
    made = restyle(await asked_by(studio, origin, person, parse(words, PARAMETERS)), given)
    await order_or_ask(studio, origin, made, parents=(given.parent,))


async def press(studio: Studio, origin: Origin, press: Pressed) -> None:
    await ask_for_words(studio, origin, RESTYLE.name, press.given, press.called)


RESTYLE: Mode[Studio] = Mode(
    name="restyle",
    served_by=RESTYLED_BY,
    commands=("restyle",),
    about=N_("A picture and words"),
    spoken=(
        r"передела(?:й|йте|ть)(?:\s+в\b)?|restyle(?:\s+as\b)?",
        rf"(?:сделай|преврати|измени)(?:те)?\s+(?:её|ее|его|их|это){NOT_LARGER}(?:\s+(?:в|на)\b)?",
        rf"(?:make|turn|change)\s+(?:it|this|that|him|her|them){NOT_LARGER}(?:\s+(?:into|to|in)\b)?",
    ),
    parameters=PARAMETERS,
    of_captions=True,
    begin=begin,
    album="collected",
    actions=(
        Action("restyle", "🪄", N_("Restyle"), RESTYLED_BY, {"photo": (2, 0), "more": (0, 0)}, press, orders=False),
    ),
)
