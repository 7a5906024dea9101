from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.compose import Asked, Composition, ModeMissing, TooLong, brief, tile_seeds
from bot.modes.drawing import from_words
from bot.prompt import PromptError, PromptLine, parse
from bot.prompt.styles import styles
from bot.store import Preferences
from inference.requests import FlashTextToImage, ModelCard, TextToImage
from tests.bot.conversation.painter import BIG, SMALL, offering

PLAIN = Preferences()


def compose(line: PromptLine, preferences: Preferences, card: ModelCard, **how: Any) -> Composition:
    return from_words(Asked(line, preferences, card, **how))


def test_flash_with_four_pictures_is_what_nobody_asked_otherwise() -> None:
    made = compose(parse("a fox"), PLAIN, BIG, draw_seed=lambda: 2**32 - 2)
    assert made.request == FlashTextToImage(prompt="a fox", width=256, height=256, seeds=(2**32 - 2, 2**32 - 1, 0, 1))
    assert made.remarks == ()
    assert len(compose(parse("a fox"), Preferences(count=6), BIG, private=False).request.seeds) == 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 10))
def test_any_tile_can_be_asked_for_alone(first: int, count: int) -> None:
    seeds = tile_seeds(first, count)
    assert len(set(seeds)) == count
    assert all(tile_seeds(seed, 1) == (seed,) for seed in seeds)


def test_steps_guidance_and_negative_ask_for_full_quality_with_a_remark() -> None:
    for text in ("--steps 30", "--cfg 3", "--no text"):
        made = compose(parse(f"a fox {text}"), PLAIN, BIG)
        assert isinstance(made.request, TextToImage)
        assert [said.code for said in made.remarks] == ["switched_to_full"]
    assert compose(parse("a fox --no text --full"), PLAIN, BIG).remarks == ()
    assert compose(parse("a fox --no text"), Preferences(mode="full"), BIG).remarks == ()


def test_the_nearest_offered_size_is_taken_and_named() -> None:
    made = compose(parse("a fox --ar 2:1"), PLAIN, BIG)
    assert (made.request.width, made.request.height) == (448, 256)
    assert [(said.code, said.detail) for said in made.remarks] == [("nearest_size", "16:9")]
    assert compose(parse("a fox --ar 32:18"), PLAIN, BIG).remarks == ()


def test_preferences_fill_what_the_line_leaves_open() -> None:
    chosen = Preferences(mode="full", size="9:16", count=2, style="anime")
    made = compose(parse("лиса"), chosen, BIG)
    assert isinstance(made.request, TextToImage)
    assert made.request.prompt.startswith("лиса, кадр из аниме")
    assert made.request.negative_prompt.startswith("фотография")
    assert (made.request.width, made.request.height, len(made.request.seeds)) == (256, 448, 2)
    over = compose(parse("лиса --flash --ar 1:1 --n 1 --style нет"), chosen, BIG)
    assert over.request == FlashTextToImage(prompt="лиса", width=256, height=256, seeds=over.request.seeds[:1])


def test_a_mode_without_weights_is_refused_when_asked_and_replaced_when_preferred() -> None:
    flash_only = offering(BIG, "flash")
    with pytest.raises(ModeMissing):
        compose(parse("a fox --full"), PLAIN, flash_only)
    made = compose(parse("a fox"), Preferences(mode="full"), flash_only)
    assert made.request.kind == "flash"
    assert [said.code for said in made.remarks] == ["mode_missing"]


def test_words_of_a_style_leave_less_room_for_ones_own() -> None:
    long = "fox " * 249
    assert compose(parse(long), PLAIN, BIG)
    with pytest.raises(TooLong) as refusal:
        compose(parse(f"{long} --style anime"), PLAIN, BIG)
    assert refusal.value.limit < refusal.value.length


def test_the_small_model_gets_no_words_of_styles() -> None:
    made = compose(parse("a red circle --style oil"), PLAIN, SMALL)
    assert made.request.prompt == "a red circle"
    assert [said.code for said in made.remarks] == ["style_unknown_here"]


@given(
    st.builds(
        PromptLine,
        prompt=st.just("a fox"),
        ar=st.none() | st.sampled_from([(1, 1), (16, 9), (3, 2), (5, 4)]),
        no=st.none() | st.just("text"),
        style=st.none() | st.sampled_from(["anime", "default"]),
        n=st.none() | st.integers(1, 10),
        quality=st.sampled_from([None, "full"]),
        steps=st.none() | st.integers(1, 100),
    ),
    st.builds(
        Preferences,
        mode=st.sampled_from([None, "flash", "full"]),
        size=st.sampled_from([None, "1:1", "9:16"]),
        count=st.none() | st.integers(1, 8),
        style=st.sampled_from([None, "anime", "oil"]),
    ),
    st.booleans(),
)
def test_the_brief_line_and_the_explicit_line_draw_the_same(
    line: PromptLine, preferences: Preferences, private: bool
) -> None:
    made = compose(line, preferences, BIG, private=private, draw_seed=lambda: 7)
    short = brief(made.line, preferences, private=private)
    assert compose(short, preferences, BIG, private=private, draw_seed=lambda: 7).request == made.request
    assert compose(made.line, PLAIN, BIG).request == made.request


@given(st.text(max_size=1200))
def test_no_text_makes_an_invalid_request(text: str) -> None:
    try:
        made = compose(parse(text), PLAIN, BIG)
    except PromptError:
        return
    assert len(made.request.prompt) <= 1000


def test_every_style_has_texts_in_both_languages() -> None:
    assert next(iter(styles())) == "default"
    for style in list(styles().values())[1:]:
        for language in ("ru", "en"):
            assert style.names[language]
            assert 20 < len(style.suffix[language]) < 200
            assert style.negative[language]
