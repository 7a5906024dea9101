"""Whatever a person can cause is told to them, in their language and without their own words becoming HTML."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from typing import TypeVar, get_args

import pytest

import bot
from bot.imaging.decoding import TROUBLES, PictureRefused
from bot.jobs.compose import ModeMissing, TooLong
from bot.jobs.mode import Mode, Modes
from bot.jobs.order import EngineAway
from bot.jobs.refusals import told
from bot.jobs.studio import Studio
from bot.modes import MODES
from bot.modes.enlarge import BadFactor, TooLarge
from bot.modes.extend.canvas import BadShare, NothingToAdd
from bot.modes.outlines import BadScale, NoDepthMap, NoLook
from bot.modes.source import NoPicture, TooManyPictures, WhichPicture
from bot.prompt import (
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
    parse,
)
from bot.store.room import NoRoom
from bot.texts.errors import ToldError
from bot.texts.i18n import speaking
from bot.texts.languages import LANGUAGES, Language
from inference.queue.jobs import OutOfOrder, QueueFull, Refused, TooManyWaiting, Trouble, WaitTooLong

Base = TypeVar("Base", bound=Exception)

HERE = Modes(MODES)
TYPED = "<u>&" * 100

# One of each kind at least, one of each thing that it may say.
ERRORS: tuple[ToldError, ...] = (
    UnknownParameter(TYPED, None),
    UnknownParameter(TYPED, "seed"),
    Misplaced("strength", ("vary", "restyle")),
    MissingValue("seed"),
    BadValue("seed", TYPED),
    UnknownStyle(TYPED, None),
    UnknownStyle(TYPED, "anime"),
    Stray(TYPED, "n"),
    Conflict("steps"),
    NoWords(),
    TooMuch(),
    TooLong("prompt", 1001, 1000),
    TooLong("no", 1001, 1000),
    ModeMissing("x4"),
    ModeMissing("x4", lacks=TYPED),
    NoLook(),
    NoDepthMap(),
    BadScale("scale", TYPED, (0, 2.0)),
    BadFactor(TYPED),
    TooLarge(20_000, 20_000),
    BadShare(TYPED),
    NothingToAdd(),
    NoPicture(),
    TooManyPictures(),
    WhichPicture(4),
    *(PictureRefused(trouble, "20×20") for trouble in TROUBLES),
    NoRoom("person", 500_000_000),
    NoRoom("studio", 500_000_000),
    NoRoom("disk", 500_000_000),
    EngineAway(),
)
REFUSED: tuple[Refused, ...] = (
    TooManyWaiting(5),
    QueueFull(100),
    WaitTooLong(4000.0),
    *(OutOfOrder(Trouble(cause, "no such file")) for cause in ("engine", "ledger", "store")),
)


@cache
def everything_defined() -> None:
    """Imports all of the bot, so that no class is overlooked."""
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.startswith("bot.playground") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def kinds_of(base: type[Base]) -> Iterator[type[Base]]:
    """Every class that is raised as one of these, wherever in the bot it is defined."""
    everything_defined()
    for kind in base.__subclasses__():
        if kind is not PromptError:
            yield kind
        yield from kinds_of(kind)


def name_of(error: Exception) -> str:
    return type(error).__name__


def test_every_error_that_a_person_can_cause_tells_itself() -> None:
    kinds = set(kinds_of(ToldError))
    assert {kind for kind in kinds if kind.told is ToldError.told} == set()
    assert kinds - set(map(type, ERRORS)) == set(), "each needs an example here"


def test_every_refusal_of_the_queue_has_its_words() -> None:
    assert set(kinds_of(Refused)) - set(map(type, REFUSED)) == set(), "each needs an example here"


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("error", [*ERRORS, *REFUSED], ids=name_of)
def test_it_is_told_in_the_language_being_spoken(error: ToldError | Refused, language: Language) -> None:
    with speaking(language):
        text = told(HERE, error)
    plain = re.sub(r"<[^>]*>", "", text)
    assert (re.search("[а-яё]", plain, re.IGNORECASE) is not None) == (language == "ru")
    assert "{" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("error", ERRORS, ids=name_of)
def test_what_somebody_typed_is_cut_and_is_no_html(error: ToldError, language: Language) -> None:
    with speaking(language):
        text = told(HERE, error)
    assert "<u>" not in text
    assert len(text) < 700


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_every_parameter_says_what_it_takes(mode: Mode[Studio]) -> None:
    for parameter in mode.parameters:
        for said in (f"a fox --{parameter}", f"a fox --{parameter} ?"):
            try:
                parse(said, mode.parameters)
            except (MissingValue, BadValue) as error:
                with speaking("en"):
                    example = re.search("<code>(.*)</code>", told(HERE, error))
                assert example is not None
                assert parse(f"a fox {example[1]}", mode.parameters)
            except PromptError:
                pass
