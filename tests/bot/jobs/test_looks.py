"""Cards, keyboards and collages: what Telegram would refuse, or a person could misread."""

from __future__ import annotations

import io
import itertools
import json
import re
from pathlib import Path
from typing import get_args

import pytest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.imaging import collage
from bot.jobs import cards, keyboards, picture_keys
from bot.jobs.mode import Modes
from bot.modes import MODES
from bot.modes.better_words.buttons import choice_buttons, fallback_buttons
from bot.modes.extend.buttons import ways
from bot.modes.mix import buttons as mix_buttons
from bot.modes.repaint import area_buttons
from bot.prompt import PromptLine, write
from bot.store import Parent
from bot.telegram.callbacks import PageButton
from bot.texts.html import escape, quote, visible_length
from bot.texts.i18n import speaking
from inference.requests import Failed, FailureCode, FlashTextToImage, Progress, Recipe, TextToImage
from tests.bot.conversation.painter import SMALL

BIGGEST = 2**63 - 1
PAGE = PageButton(owner=10**13, offset=99_999, starred=True, picture=10**12)
TRANSCRIPTS = Path(__file__).parents[2] / "characterisation" / "transcripts"

HERE = Modes(MODES)
FLASH = FlashTextToImage(prompt="x", seeds=(1,))


KINDS = Path("tests/inference/requests/kinds.jsonl").read_text().splitlines()
TAGS = "<script>&</pre>" * 66  # 990 characters, as many as may be


def png(width: int, height: int, colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return image


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: json.loads(kind)["request"]["kind"])
def test_a_recipe_that_a_stranger_wrote_into_a_file_fits_and_opens_no_tag(kind: str) -> None:
    request = json.loads(kind)["request"]
    words = {field: TAGS for field in ("prompt", "negative_prompt", "text") if field in request}
    made = {"request": {**request, **words}, "tile": 0, "code_version": TAGS * 9, "checkpoints": {TAGS: TAGS * 9}}
    recipe = Recipe.model_validate(made)
    line = HERE.line(recipe.request, recipe.tile)
    with speaking("en"):
        text, keys = cards.recipe(HERE, line, recipe, copied=write(line)), keyboards.recipe(write(line))
    assert visible_length(text) <= 4096
    assert "<script" not in text and "&lt;script&gt;" in text
    assert text.count("<pre>") == text.count("</pre>") <= 1
    assert [key.text for key in keys.inline_keyboard[0]][-1] == "🔁 Repeat exactly"


@given(st.text(max_size=1000), st.lists(st.text(max_size=400), max_size=6))
def test_a_caption_always_fits_and_never_opens_a_tag(prompt: str, remarks: list[str]) -> None:
    with speaking("ru"):
        text = cards.caption(
            HERE,
            PromptLine(prompt, style="sovietcartoon"),
            FlashTextToImage(prompt="x", seeds=(2**32 - 1,)),
            seed=2**32 - 1,
            engine_seconds=3661,
            remarks=[escape(remark) for remark in remarks],
        )
    assert visible_length(text) <= 1024
    assert text.count("<") == 2


@given(st.text(max_size=1000), st.text(max_size=1000))
def test_a_recipe_always_fits_a_message(prompt: str, negative: str) -> None:
    request = TextToImage(prompt=prompt, negative_prompt=negative, seeds=tuple(range(10)))
    recipe = Recipe(request=request, tile=0, checkpoints={"unet": "a" * 40, "movq": "b" * 40}, code_version="0.1.0")
    with speaking("en"):
        text = cards.recipe(
            HERE,
            line := PromptLine(prompt, no=negative or None, seed=1, quality="full"),
            recipe,
            job_id=1,
            seeds=request.seeds,
            copied=write(line),
        )
    assert visible_length(text) <= 4096


def test_numbers_agree_with_their_words_in_russian() -> None:
    with speaking("ru"):
        assert [cards.steps_counted(n) for n in (1, 2, 5, 11, 21, 24)] == [
            "1 шаг", "2 шага", "5 шагов", "11 шагов", "21 шаг", "24 шага",
        ]  # fmt: skip
        assert cards.seconds_taken(3.14) == "3,1\xa0с"
    with speaking("en"):
        assert [cards.seconds_taken(seconds) for seconds in (3.14, 48.2, 125, 120)] == [
            "3.1\xa0s", "48\xa0s", "2\xa0min 5\xa0s", "2\xa0min",
        ]  # fmt: skip
        assert [cards.wait(seconds) for seconds in (1, 4, 38, 170, 9000)] == [
            "a moment", "about 5\xa0s", "about 40\xa0s", "about 3\xa0min", "about 2\xa0h",
        ]  # fmt: skip


@pytest.mark.parametrize("code", get_args(FailureCode))
def test_every_failure_says_what_happened_and_what_to_do(code: FailureCode) -> None:
    for language in ("ru", "en"):
        with speaking(language):
            text = cards.failed(quote("a <fox>"), Failed(code=code, message="Traceback"), 42)
        assert "#42" in text
        assert "a &lt;fox&gt;" in text
        assert "Traceback" not in text


def test_the_bar_grows_and_never_overflows() -> None:
    with speaking("en"):
        shown = [cards.stage(Progress(stage="drawing", step=step, of=4)) for step in (0, 2, 4, 9)]
    assert [line.count("▓") for line in shown] == [0, 5, 10, 10]
    assert shown[-1].endswith("100 %")


def test_few_unknown_words_are_named_and_many_are_not_all() -> None:
    with speaking("en"):
        assert "“dragon”" in cards.unknown_words(["dragon"], SMALL)
        assert cards.unknown_words(["w"] * 40, SMALL).count("“") == 4


def every_keyboard() -> list[InlineKeyboardMarkup | None]:
    pictures = [(number, BIGGEST - number) for number in range(1, 11)]
    return [
        keyboards.status(BIGGEST),
        keyboards.retry(BIGGEST),
        *(
            area_buttons.area(BIGGEST, grid=grid, cells={0, 8}, chosen=True, words=words, same_words=True, guessed=True)
            for grid in (3, 4)
            for words in (True, False)
        ),
        ways(BIGGEST, square=True),
        choice_buttons(BIGGEST),
        fallback_buttons(BIGGEST),
        *(keyboards.grid(BIGGEST, pictures[:count], opened={BIGGEST - 2}) for count in range(2, 11)),
        picture_keys.single(HERE, BIGGEST, FLASH, SMALL, whole=FLASH, whole_job=BIGGEST, starred=True),
        picture_keys.single(HERE, BIGGEST, FLASH, None, whole=FLASH, more=True),
        picture_keys.menu(HERE, Parent(upload_id=BIGGEST), SMALL),
        mix_buttons.collecting(BIGGEST, 3),
        mix_buttons.weighing(BIGGEST, [0.25] * 4),
        keyboards.confirm_order(BIGGEST),
        keyboards.confirm_job(BIGGEST),
        keyboards.confirm_picture(BIGGEST),
        keyboards.recipe("x" * 256, job_id=BIGGEST),
        keyboards.recipe("x" * 257, picture=BIGGEST),
        keyboards.recipe("x"),
        keyboards.examples(["a fox " * 40, "b", "c"]),
        keyboards.queue(10**13, [(BIGGEST, "a fox " * 40), (BIGGEST - 1, "")]),
        keyboards.page(10**13, pictures[:9], offset=99_999, size=9, total=200_000, starred=True),
        keyboards.markup(keyboards.in_page(PAGE, starred=True)),
        keyboards.confirm_opened(10**13, 10**12, offset=99_999, starred_only=True),
    ]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_keyboards_fit_telegram(language: str) -> None:
    with speaking(language):  # type: ignore[arg-type]
        for markup in every_keyboard():
            assert markup is not None
            assert all(len(row) <= 8 for row in markup.inline_keyboard)
            for button in itertools.chain.from_iterable(markup.inline_keyboard):
                assert 0 < len(button.text) <= 64
                assert button.copy_text or 1 <= len((button.callback_data or "").encode()) <= 64
                assert not button.copy_text or len(button.copy_text.text) <= 256


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("used", [False, True])
def test_what_stands_on_a_button_is_not_cut_on_a_phone(language: str, used: bool) -> None:
    """Such were five buttons in a row, «📄 Ориги…» among them."""
    with speaking(language):  # type: ignore[arg-type]
        for markup in every_keyboard():
            assert markup is not None
            all_of_them = [key.callback_data for row in markup.inline_keyboard for key in row if key.callback_data]
            for row in keyboards.ticked(markup, all_of_them if used else []).inline_keyboard:
                assert len(row) == 1 or all(keyboards.width(key.text) <= keyboards.room(len(row)) for key in row)


def test_a_row_that_is_too_wide_becomes_even_ones() -> None:
    def rows(*labels: str) -> list[list[str]]:
        keys = [InlineKeyboardButton(text=label, callback_data=label) for label in labels]
        return [[key.text for key in row] for row in keyboards.markup(keys).inline_keyboard]

    assert rows("📄 Файл", "ℹ️ Рецепт", "☆", "🗑") == [["📄 Файл", "ℹ️ Рецепт", "☆", "🗑"]]
    assert rows("📄 Оригинал", "ℹ️ Рецепт", "☆", "🗑") == [["📄 Оригинал", "ℹ️ Рецепт"], ["☆", "🗑"]]
    assert rows("💎 Чуть доработать", "💎 Сильно доработать") == [["💎 Чуть доработать"], ["💎 Сильно доработать"]]
    assert rows(*"▫▫▫▫▫▫▫▫") == [[*"▫▫▫▫▫▫▫▫"]]


MEANINGS = {
    "edit": "j:edit w:edit",
    "outlines": "o:control",
    "picture and words": "o:restyle",
    "variation": "o:vary o:subtle o:strong",
    "part": "o:inpaint",
    "frame": "o:outpaint",
    "mix": "o:mix",
    "size": "o:x2 o:big",
    "full model": "p:full o:refine o:redraw s:mode",
    "line": "j:queue",
    "pictures": "h:turn",
    "recipe": "p:recipe j:recipe",
    "anew": "j:again j:retry w:another",
    "better words": "w:improve",
}


def test_an_icon_means_one_thing_wherever_it_stands() -> None:
    """As far as buttons stand in the transcripts; such were ✏️ for Edit and Outlines, 🖼 for Restyle and All."""
    meaning = {data: meant for meant, listed in MEANINGS.items() for data in listed.split()}
    seen: dict[str, set[str]] = {}
    for transcript in TRANSCRIPTS.glob("*.txt"):
        for label, data in re.findall(r"\[([^\[\]=]+) = (\w+:\w+)", transcript.read_text()):
            icon, _space, words = label.removesuffix(" (danger)").partition(" ")
            if words and icon != picture_keys.LOCK and not icon.isalnum() and data in meaning:
                seen.setdefault(icon, set()).add(meaning[data])
    assert {"✏️", "🪄", "🎨", "➰"} <= seen.keys()
    assert {icon: meant for icon, meant in seen.items() if len(meant) > 1} == {}


def test_no_buttons_where_there_is_nothing_to_press() -> None:
    with speaking("en"):
        assert keyboards.examples([]) is None
        assert keyboards.queue(1, []) is None


@pytest.mark.parametrize(
    ("count", "size"),
    [*((count, (128, 128)) for count in range(1, 11)), (4, (1344, 768)), (10, (1344, 768)), (4, (640, 1536))],
)
def test_a_grid_shows_every_picture_within_telegrams_limits(count: int, size: tuple[int, int]) -> None:
    colours = [(20 * number, 255 - 20 * number, 120) for number in range(count)]
    content = collage.grid([png(*size, colour) for colour in colours])
    image = opened(content)
    assert len(content) <= 10_000_000
    assert image.width + image.height <= 10_000
    assert max(image.width / image.height, image.height / image.width) <= 20
    columns = collage.columns_for(count)
    rows = -(-count // columns)
    for number, colour in enumerate(colours):
        row, column = divmod(number, columns)
        centre = (int((column + 0.5) * image.width / columns), int((row + 0.5) * image.height / rows))
        seen = image.convert("RGB").getpixel(centre)
        assert isinstance(seen, tuple)
        assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) < 12


def test_tiles_of_a_grid_carry_a_number_and_a_lone_picture_does_not() -> None:
    def corner(content: bytes) -> set[tuple[int, ...]]:
        image = opened(content).convert("RGB").crop((0, 0, 60, 60)).quantize(8).convert("RGB")
        return {pixel for _, pixel in image.getcolors(10_000) or []}

    assert len(corner(collage.grid([png(128, 128)] * 2))) > 2
    assert len(corner(collage.grid([png(128, 128)]))) == 1


def test_small_pictures_grow_and_big_ones_keep_their_pixels() -> None:
    assert opened(collage.photo(png(128, 128))).size == (384, 384)
    assert opened(collage.photo(png(1024, 1024))).size == (1024, 1024)


def test_noise_is_pressed_under_ten_megabytes() -> None:
    noise = Image.effect_noise((1536, 1536), 200).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "PNG", compress_level=1)
    assert len(collage.grid([buffer.getvalue()] * 4)) <= 10_000_000


def test_a_page_of_history_shows_lost_files_as_empty_squares() -> None:
    image = opened(collage.contact_sheet([png(128, 128), None, png(300, 100)], first_number=10))
    assert image.size == (3 * 256 + 2 * collage.GAP, 256)
