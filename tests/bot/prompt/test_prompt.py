from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.guide import chapter
from bot.jobs.mode import Modes
from bot.modes import MODES, outlines
from bot.prompt import (
    OF_WORDS,
    PARAMETERS,
    BadValue,
    Conflict,
    Misplaced,
    MissingValue,
    NoWords,
    PromptError,
    PromptLine,
    Stray,
    UnknownParameter,
    UnknownStyle,
    parse,
    write,
)
from bot.prompt.said import says_something, wish_in
from bot.prompt.styles import styles
from bot.texts.i18n import speaking
from bot.texts.languages import Language

LETTERS = st.characters(categories=("L", "Nd", "Po"), exclude_characters="\"'")
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=9), min_size=1, max_size=5)
PHRASES = WORDS.map(" ".join).filter(says_something)

LINES = st.builds(
    PromptLine,
    prompt=PHRASES,
    ar=st.none() | st.tuples(st.integers(5, 20), st.integers(5, 20)),
    no=st.none() | PHRASES,
    seed=st.none() | st.integers(0, 2**32 - 1),
    style=st.none() | st.sampled_from(sorted(styles())),
    n=st.none() | st.integers(1, 10),
    quality=st.none() | st.just("full"),
    steps=st.none() | st.integers(1, 100),
    cfg=st.none() | st.integers(0, 2000).map(lambda hundredths: hundredths / 100),
)

CONTROL = outlines.PARAMETERS


@given(LINES)
def test_what_is_written_is_read_back(line: PromptLine) -> None:
    assert parse(write(line)) == line


SHARES = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda pair: tuple(n / 100 for n in sorted(pair)))
LEVELS = st.tuples(*[st.integers(-255_000, 255_000).map(lambda thousandths: thousandths / 1000)] * 2)
CONTROL_LINES = st.builds(
    lambda line, shares, **said: replace(line, quality=None, start=shares[0], end=shares[1], **said),
    LINES,
    SHARES,
    scale=st.none() | st.integers(0, 400).map(lambda hundredths: hundredths / 100),
    levels=st.none() | LEVELS.filter(lambda pair: pair[0] != pair[1]),
    method=st.none() | st.sampled_from(["hed", "depth", "scribble"]),
    drawn=st.none() | st.just(True),
    iw=st.none() | st.integers(0, 200).map(lambda hundredths: hundredths / 100),
)


@given(CONTROL_LINES, st.sampled_from(["-", "−", "–"]))
def test_what_is_written_of_a_control_is_read_back_whatever_its_minus_has_become(line: PromptLine, minus: str) -> None:
    written = write(line)
    if line.levels is not None:
        black, white = (f"{level:g}" for level in line.levels)
        written = written.replace(f"--levels {black}:{white}", f"--levels {black}:{white}".replace(" -", f" {minus}"))
    assert parse(written, CONTROL) == line


SCRAPS = st.sampled_from(
    [
        "--ar",
        "—",
        "--no",
        "a fox",
        "16:9",
        "--style",
        "«",
        "anime",
        "--seed",
        "7",
        "--n",
        "\n",
        "--x",
        "--levels",
        "-1:1",
        "—end",
    ]
)


@given(st.text() | st.lists(SCRAPS).map(" ".join))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    try:
        line = parse(text)
    except PromptError:
        return
    assert line.prompt
    assert parse(write(line)) == line


@given(st.text() | st.lists(SCRAPS).map(" ".join))
def test_any_text_is_read_or_refused_under_control(text: str) -> None:
    try:
        line = parse(text, CONTROL)
    except PromptError:
        return
    assert parse(write(line), CONTROL) == line


@given(LINES, st.sampled_from(["—", "–", "—-", "――"]))
def test_a_long_dash_before_a_parameter_is_two_hyphens(line: PromptLine, dash: str) -> None:
    written = write(line)
    for name in PARAMETERS:
        written = written.replace(f" --{name}", f" {dash}{name}")
    assert parse(written) == line


def test_a_dash_between_words_is_punctuation() -> None:
    assert parse("кот — рыцарь, —весёлый, well--known").prompt == "кот — рыцарь, —весёлый, well--known"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a fox --ar 16:9", PromptLine("a fox", ar=(16, 9))),
        ("a fox --ar=16x9 --full", PromptLine("a fox", ar=(16, 9), quality="full")),
        ("--seed 42. --n 2 a fox", PromptLine("a fox", seed=42, n=2)),
        ("лиса --стиль масляная живопись --без текст, люди", PromptLine("лиса", style="oil", no="текст, люди")),
        ('a fox --style "Soviet cartoon" --CFG 2,5', PromptLine("a fox", style="sovietcartoon", cfg=2.5)),
        ("a fox --no hats --no 'big boots'", PromptLine("a fox", no="hats, big boots")),
        ("a  fox\nin snow --flash", PromptLine("a fox in snow", quality="flash")),
    ],
)
def test_how_people_write(text: str, line: PromptLine) -> None:
    assert parse(text) == line


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("stile", "style"),
        ("sed", "seed"),
        ("step", "steps"),
        ("fulll", "full"),
        ("нет", None),
        ("н", "n"),  # as it sounds
        ("sееd", "seed"),  # with Cyrillic letters that look so
        ("фк", "ar"),  # the right keys in the wrong alphabet
    ],
)
def test_an_unknown_parameter_is_named_with_the_nearest_one(typo: str, meant: str | None) -> None:
    with pytest.raises(UnknownParameter) as refusal:
        parse(f"a fox --{typo} 3")
    assert (refusal.value.name, refusal.value.nearest) == (typo, meant)


@pytest.mark.parametrize(
    "text",
    ["--ar 9", "--ar 0:3", "--ar 9:1", "--seed -1", "--seed 4294967296", "--n 0", "--n 11", "--n two", "--steps 0",
     "--steps 101", "--steps 2.5", "--cfg 20.1", "--cfg nan", "--cfg 1e3", "--seed ²"],
)  # fmt: skip
def test_a_value_out_of_bounds_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadValue) as refusal:
        parse(f"a fox {text}")
    assert refusal.value.parameter == text.split()[0].removeprefix("--")
    assert refusal.value.value == text.split()[1]


@pytest.mark.parametrize("value", ["1", "1:1", "0:256", "-256:0", "a:b", "0:1:2", "0:1e1", "0.001:0.0014"])
def test_levels_that_do_not_tell_black_from_white_are_refused_by_name(value: str) -> None:
    with pytest.raises(BadValue) as refusal:
        parse(f"a bridge --levels {value}", CONTROL)
    assert (refusal.value.parameter, refusal.value.value) == ("levels", value)


def test_levels_belong_to_control_and_are_the_nearest_to_level() -> None:
    assert parse("мост --уровни -1:1", CONTROL).levels == (-1, 1)
    with pytest.raises(Misplaced) as misplaced:
        parse("a bridge --levels 0:255")
    assert misplaced.value.parameter == "levels"
    assert Modes(MODES).parsed_by("levels") == ("control",)
    with pytest.raises(UnknownParameter) as unknown:
        parse("a bridge --level 0:255", CONTROL)
    assert unknown.value.nearest == "levels"


def test_an_unknown_style_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownStyle) as refusal:
        parse("a fox --style хахлома")
    assert (refusal.value.value, refusal.value.nearest) == ("хахлома", "khokhloma")


@pytest.mark.parametrize(
    ("text", "error"),
    [("", NoWords), ("--full", NoWords), ("a fox --ar", MissingValue), ("a fox --no --full", MissingValue),
     ("a fox --seed 4 5", Stray), ("a fox --flash --steps 30", Conflict), ("a fox --full 30", Stray)],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(text: str, error: type[PromptError]) -> None:
    with pytest.raises(error):
        parse(text)


@pytest.mark.parametrize(
    "text", ["\u200b", " \u2060\ufeff ", ".", "…", "?!", "\u2800", "\u3164", "\u200b --n 2"], ids=ascii
)
def test_of_what_nobody_can_see_or_read_nothing_is_drawn(text: str) -> None:
    with pytest.raises(NoWords):
        parse(text)


@pytest.mark.parametrize("text", ["🦊", "7", "👩\u200d🚀", "ж"])
def test_a_sign_that_can_be_drawn_is_a_wish(text: str) -> None:
    assert parse(text).prompt == text


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("Нарисуй мне, пожалуйста, кота", "кота"),
        ("Привет! Нарисуй кота, пожалуйста --n 2", "кота --n 2"),
        ("Можешь нарисовать нам, пожалуйста", ""),
        ("Can you draw us, please?", ""),
        ("привет, нарисуй", ""),
        ("нарисуй нам, пожалуйста, нам нужен кот", "нам нужен кот"),
        ("could you draw a cat please", "a cat"),
        ("please, a cat", "a cat"),
        ("кота, пожалуйста!", "кота"),
        ("кот\u200bика", "котика"),
        ("a poster with the words say please", "a poster with the words say please"),
        ("drawbridge at dawn", "drawbridge at dawn"),
        ("Please come in, a sign on a door", "Please come in, a sign on a door"),
        ("нарисуй пожалуйста", ""),
    ],
)
def test_a_wish_is_freed_of_the_courtesies_around_it(text: str, wish: str) -> None:
    assert wish_in(text) == wish


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_manual_names_every_parameter_also_those_that_mean_something_else_for_pictures(language: Language) -> None:
    with speaking(language):
        of_words, of_pictures = chapter("words", None), chapter("finer", None)
    for name in PARAMETERS:
        assert f"--{name}" in of_words + of_pictures
    for name in ("flash", "full", *(name for name in PARAMETERS if name not in OF_WORDS)):
        assert f"--{name}" in of_pictures
