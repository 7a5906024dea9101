"""Two families on one card, each with sizes, languages and limits of its own: what the bot composes fits each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot.conversation.settings import choices
from bot.jobs.cards import captions
from bot.jobs.compose import Asked
from bot.jobs.context import JobContext
from bot.jobs.mode import Modes
from bot.jobs.translation import translated_first
from bot.modes import MODES
from bot.modes.drawing import from_pictures, from_words, over
from bot.modes.extend.canvas import Canvas
from bot.modes.extend.composing import outpaint
from bot.modes.repaint.composing import inpaint
from bot.prompt import parse
from bot.store import Given, Person, Preferences
from bot.texts.i18n import speaking
from inference.requests import Ability, ModelCard, Rewrite, Source, Texts

ENGLISH = Ability(native_size=(512, 512), sizes={"1:1": (512, 512), "16:9": (640, 384)})
RUSSIAN = Ability(
    native_size=(256, 256), sizes={"1:1": (256, 256), "3:2": (384, 256)}, languages=("ru",), most_pictures=2
)
CARD = ModelCard(
    label=Texts(ru="Две семьи", en="Two families"),
    abilities={"flash": ENGLISH, "mix": ENGLISH, "inpaint": ENGLISH, "full": RUSSIAN, "refine": RUSSIAN}
    | {"outpaint": RUSSIAN, "translate": Ability(languages=("ru", "en"))},
)
PHOTO = Given(source=Source(blob="a" * 64, width=1600, height=1000), upload_id=1)
PLAIN = Preferences()


def asked(text: str) -> Asked:
    return Asked(parse(text), PLAIN, CARD)


def test_words_are_drawn_at_the_sizes_of_the_kind_that_draws_them() -> None:
    assert from_words(asked("лиса --flash --ar 16:9")).request.size == (640, 384)
    full = from_words(asked("лиса --full --ar 16:9"))
    assert full.request.size == (384, 256)
    assert [(said.code, said.detail) for said in full.remarks] == [("nearest_size", "3:2")]


def test_pictures_are_drawn_at_the_sizes_of_the_kind_that_draws_them() -> None:
    assert from_pictures(asked("лиса"), [(PHOTO, 1.0)]).request.size == (640, 384)
    assert over(asked("лиса"), PHOTO, 0.3).request.size == (384, 256)


def test_what_is_painted_window_by_window_knows_the_side_of_its_own_net() -> None:
    canvas = Canvas(3200, 1000, (0, 0, 1600, 1000))
    assert inpaint(asked("лиса"), PHOTO, "b" * 64).request.pass_size == (512, 512)
    assert outpaint(asked("лиса"), PHOTO, canvas).request.pass_size == (256, 256)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_more_pictures_than_a_kind_can_make_at_once_become_as_many_as_it_can_and_that_is_said(language: Any) -> None:
    made = from_words(asked("лиса --full --n 4"))
    assert (len(made.request.seeds), made.line.n) == (2, 2)
    with speaking(language):
        assert "2" in captions.remark(Modes(MODES), made.remarks[0])
    drawn_over = over(asked("лиса --n 3"), PHOTO, 0.3)
    assert (len(drawn_over.request.seeds), drawn_over.remarks[0].code) == (2, "fewer_pictures")


def test_the_usual_number_is_cut_without_a_word() -> None:
    made = from_words(asked("лиса --full"))
    assert (len(made.request.seeds), made.remarks) == (2, ())
    assert len(from_words(asked("лиса --flash")).request.seeds) == 4


def test_words_are_translated_only_for_the_kind_that_cannot_read_them() -> None:
    for text, kind in (("лиса --flash", "translate"), ("лиса --full", "full"), ("a fox --flash", "flash")):
        context = JobContext(language="ru", line=text)
        first, _ = translated_first(from_words(asked(text)).request, context, CARD)
        assert first.kind == kind
        assert isinstance(first, Rewrite) == (kind == "translate")


def test_the_settings_offer_every_shape_that_one_of_the_two_ways_to_draw_words_has() -> None:
    person = Person(id=1, language="en", chosen_language="en", preferences=PLAIN, blocked=False)
    with speaking("en"):
        studio: Any = SimpleNamespace(queue=SimpleNamespace(card=CARD))
        keyboard = choices(studio, person, "size").inline_keyboard
    offered = [button.text.removesuffix(" ✓") for row in keyboard for button in row]
    assert {"1:1", "3:2", "16:9"} <= set(offered)
    assert not {"4:3", "21:9"} & set(offered)
