"""What people say to a picture in their own words: which mode it means, and what is left for it."""

from __future__ import annotations

import pytest

from bot.jobs.mode import Modes
from bot.modes import MODES
from bot.modes.intent import understood


@pytest.mark.parametrize(
    ("said", "mode", "rest"),
    [
        ("make it red", "restyle", "red"),
        ("Turn this into a watercolour --iw 0.4", "restyle", "a watercolour --iw 0.4"),
        ("change her to blue", "restyle", "blue"),
        ("make it red and bigger", "restyle", "red and bigger"),
        ("make it bigger!", "upscale", ""),
        ("сделай её красной", "restyle", "красной"),
        ("преврати это в акварель", "restyle", "акварель"),
        ("Сделайте его ночным, линиями", "restyle", "ночным, линиями"),
        ("сделай её побольше", "upscale", ""),
        ("сделай вариацию", "vary", ""),
        ("make a red circle", None, "make a red circle"),
        ("make items of wood", None, "make items of wood"),
        ("сделай ежа", None, "сделай ежа"),
        ("это лиса", None, "это лиса"),
    ],
)
def test_a_wish_about_a_picture_is_understood_by_its_first_words(said: str, mode: str | None, rest: str) -> None:
    found, left = understood(said, Modes(MODES))
    assert (found.name if found is not None else None, left) == (mode, rest)
