"""Language models: better prompts, and translation. Torch is imported when they are opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.engine.family import Family, Place
from inference.families.language.files import TASKS, language_of
from inference.queue.options import WorkerOptions
from inference.requests import ModelCard

if TYPE_CHECKING:
    from inference.engine.kit import Kit


def _offer(options: WorkerOptions, card: ModelCard | None) -> ModelCard | None:
    return card and language_of(options).on(card)  # words are rewritten to be drawn


def _open(place: Place) -> Kit:
    from inference.families.language.kit import LanguageKit

    return LanguageKit(language_of(place.options), place.policy, place.nets)


LANGUAGE = Family(name="language", kinds=TASKS, formats=("text",), offer=_offer, open=_open)
