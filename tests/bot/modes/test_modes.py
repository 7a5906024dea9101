"""Which kind of request a wish about a picture becomes."""

from __future__ import annotations

import pytest

from bot.jobs.compose import Asked, ModeMissing
from bot.modes import enlarge, outlines
from bot.modes.enlarge import BadFactor, TooLarge
from bot.modes.outlines import BadScale
from bot.prompt import PromptLine, parse
from bot.store import Given, Preferences
from bot.texts.i18n import speaking
from inference.requests import Kind, ModelCard, Source, Upscale
from tests.bot.conversation.painter import BIG, offering


def card(*kinds: Kind) -> ModelCard:
    return offering(BIG, *kinds)


def picture(width: int = 256, height: int = 256) -> Given:
    return Given(source=Source(blob="a" * 64, width=width, height=height), upload_id=1)


def enlarged(given: Given, said: str, *kinds: Kind) -> Upscale:
    line = parse(said, enlarge.PARAMETERS)
    made = enlarge.upscale(Asked(line, Preferences(), card(*kinds)), given, enlarge.size_asked(line)).request
    assert isinstance(made, Upscale)
    return made


def test_twice_the_size_is_drawn_by_flash_where_it_is_installed() -> None:
    assert enlarged(picture(), "", "x2", "flash_x2", "x4").kind == "flash_x2"
    assert enlarged(picture(), "", "x2", "x4").kind == "x2"


@pytest.mark.parametrize("refines", [True, False])
def test_flash_goes_over_what_is_enlarged_only_where_it_draws_finer(refines: bool) -> None:
    able = card("x2", "flash_x2").model_copy(update={"refines": refines})
    for said, refine in (("", refines), ("--full", True)):
        made = enlarge.upscale(Asked(parse(said, enlarge.PARAMETERS), Preferences(), able), picture(), "x2").request
        assert isinstance(made, Upscale) and made.refine == refine


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


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("в 4 раза", "x4"),
        ("вчетверо", "x4"),
        ("four times", "x4"),
        ("--scale 4", "x4"),
        ("в 2 раза", "flash_x2"),
        ("2,0", "flash_x2"),
        ("please", "flash_x2"),
        ("до 4к", "x4"),
    ],
)
def test_a_factor_may_be_said_in_words(said: str, kind: Kind) -> None:
    assert enlarged(picture(), said, "x2", "flash_x2", "x4").kind == kind


@pytest.mark.parametrize("said", ["3", "в 3 раза", "8k", "1.5x", "--scale 3", "--scale 0", "до 4096"])
def test_a_factor_that_there_is_not_is_named_and_nothing_enlarged(said: str) -> None:
    with pytest.raises(BadFactor) as refusal:
        enlarged(picture(), said, "x2", "flash_x2", "x4")
    with speaking("en"):
        told = refusal.value.told()
    assert refusal.value.value in said
    assert f"twice or four times as large, or bring it to 4K; “{refusal.value.value}” I cannot" in told


def test_a_factor_that_there_is_not_is_refused_in_a_russian_sentence() -> None:
    with speaking("ru"):
        assert "в 2 или в 4 раза" in BadFactor("3").told()


@pytest.mark.parametrize("said", ["--full", "2 --full", "--full x2"])
def test_full_enlarges_twice_without_flash(said: str) -> None:
    assert enlarged(picture(), said, "x2", "flash_x2", "x4").kind == "x2"
    with pytest.raises(ModeMissing) as refusal:
        enlarged(picture(), said, "flash_x2", "x4")
    assert refusal.value.mode == "x2"


def test_full_makes_four_times_the_size_as_ever() -> None:
    assert enlarged(picture(), "x4 --full", "x2", "flash_x2", "x4").kind == "x4"
    assert enlarged(picture(2000, 1000), "4k --full", "x2", "flash_x2", "x4").kind == "x2"


def test_a_scale_beyond_what_outlines_can_be_held_with_is_named() -> None:
    asked = Asked(parse("a house --scale 3", outlines.PARAMETERS), Preferences(), card("hed"))
    with pytest.raises(BadScale) as refusal:
        outlines.control(asked, picture())
    with speaking("en"):
        assert "from 0 to 2" in refusal.value.told()


def test_outlines_are_offered_only_where_a_net_for_any_picture_is_installed() -> None:
    assert not outlines.OUTLINES.offered(card("flash", "depth"))
    assert outlines.OUTLINES.offered(card("flash", "scribble"))


def test_a_picture_that_would_grow_past_what_can_be_stored_is_refused() -> None:
    with pytest.raises(TooLarge) as refusal:
        enlarged(picture(5000, 5000), "", "flash_x2")
    assert (refusal.value.width, refusal.value.height) == (10_000, 10_000)


def test_what_is_missing_is_the_best_that_could_serve() -> None:
    with pytest.raises(ModeMissing) as refusal:
        enlarge.upscale(Asked(PromptLine(""), Preferences(), card("flash")), picture(), "x2")
    assert refusal.value.mode == "flash_x2"
