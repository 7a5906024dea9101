"""Which kind of request a wish about a picture becomes."""

from __future__ import annotations

import pytest

from bot import modes
from bot.compose import ModeMissing
from bot.history import Given, Preferences
from bot.modes import TooLarge, Wish
from bot.prompt import PromptLine, parse
from inference.requests import Kind, ModelCard, Source, Upscale
from tests.bot.conversation.painter import BIG


def card(*kinds: Kind) -> ModelCard:
    return BIG.model_copy(update={"kinds": kinds})


def picture(width: int = 256, height: int = 256) -> Given:
    return Given(source=Source(blob="a" * 64, width=width, height=height), upload_id=1)


def enlarged(given: Given, said: str, *kinds: Kind) -> Upscale:
    line = parse(said, "upscale")
    made = modes.upscale(Wish(line, Preferences(), card(*kinds)), given, modes.size_asked(line)).request
    assert isinstance(made, Upscale)
    return made


def test_twice_the_size_is_drawn_by_flash_where_it_is_installed() -> None:
    assert enlarged(picture(), "", "x2", "flash_x2", "x4").kind == "flash_x2"
    assert enlarged(picture(), "", "x2", "x4").kind == "x2"


@pytest.mark.parametrize(
    ("said", "size", "kind"),
    [
        ("4k", (1024, 1024), "x4"),
        ("4К", (2000, 1000), "flash_x2"),  # twice is 4000 already
        ("x4", (512, 512), "x4"),
        ("х2", (512, 512), "flash_x2"),
    ],
)
def test_four_k_takes_the_factor_that_comes_nearest(said: str, size: tuple[int, int], kind: Kind) -> None:
    assert enlarged(picture(*size), said, "x2", "flash_x2", "x4").kind == kind


def test_a_picture_that_would_grow_past_what_can_be_stored_is_refused() -> None:
    with pytest.raises(TooLarge) as refusal:
        enlarged(picture(5000, 5000), "", "flash_x2")
    assert (refusal.value.width, refusal.value.height) == (10_000, 10_000)


def test_what_is_missing_is_the_best_that_could_serve() -> None:
    with pytest.raises(ModeMissing) as refusal:
        modes.upscale(Wish(PromptLine(""), Preferences(), card("flash")), picture(), "x2")
    assert refusal.value.mode == "flash_x2"
