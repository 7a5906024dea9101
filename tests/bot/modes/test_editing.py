"""Other words for what was made from pictures: everything that nobody mentions stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.jobs.compose import Asked, Composition
from bot.jobs.mode import Modes
from bot.modes import MODES
from bot.modes.base import said_again
from bot.modes.drawing import from_pictures, over
from bot.modes.enlarge import upscale
from bot.modes.extend.canvas import Canvas, NothingToAdd, most_side
from bot.modes.extend.composing import outpaint
from bot.modes.outlines import control
from bot.modes.repaint.composing import inpaint
from bot.modes.vary import vary
from bot.prompt import Misplaced, PromptLine, parse, read_back, write
from bot.store import Given, Preferences
from inference.requests import Control, FlashMix, Kind, Mix, Outpaint, Refine, Source
from tests.bot.conversation.painter import ALL_MODES, offering

MODES_HERE = Modes(MODES)
CARD = offering(ALL_MODES, *ALL_MODES.kinds, "mix_flash")
ONE, TWO = (Given(source=Source(blob=letter * 64, width=320, height=192)) for letter in "ab")
SAID = PromptLine("a stone bridge", no="fog", n=2, steps=30, seed=7, style="anime")
HELD = replace(SAID, scale=0.5, start=0.1, end=0.8, levels=(-1.0, 1.0), drawn=True, method="depth")
WIDE = Canvas(480, 192, (0, 0, 320, 192))


def asking(line: PromptLine) -> Asked:
    return Asked(line, Preferences(), CARD)


MADE = {
    "a subtle variation": vary(asking(SAID), ONE),
    "a strong variation": vary(asking(SAID), ONE, "strong"),
    "a variation by Flash": vary(asking(replace(SAID, quality="flash", no=None, steps=None)), ONE),
    "a mix": from_pictures(asking(replace(SAID, iw=0.3, ar=(16, 9))), [(ONE, 0.3), (TWO, 0.9)]),
    "a picture drawn over": over(asking(SAID), ONE, 0.45),
    "a depth map": control(asking(HELD), ONE),
    "another style": control(asking(replace(SAID, method="hed")), ONE, [TWO]),
    "a little of a style": control(asking(replace(SAID, iw=0.4)), ONE, [TWO]),
    "outlines by default": control(asking(SAID), ONE),
    "a repainted part": inpaint(asking(SAID), ONE, "c" * 64),
    "a part seen with the whole": inpaint(asking(replace(SAID, whole=True)), ONE, "c" * 64),
    "a wider frame": outpaint(asking(SAID), ONE, WIDE),
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_other_words_change_the_words_and_draw_a_new_seed(made: Composition) -> None:
    after = again(made, "a glass bridge").request
    suffix = made.request.prompt.removeprefix("a stone bridge")
    seeds = (after.seeds[0], after.seeds[0] + 1)
    assert after == made.request.model_copy(update={"prompt": f"a glass bridge{suffix}", "seeds": seeds})
    assert after.seeds != made.request.seeds


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_words_and_parameters_as_they_were_give_the_same_request(made: Composition) -> None:
    assert again(made, "--seed 7").request == made.request


def test_parameters_that_are_said_outweigh_those_from_before() -> None:
    mix = again(MADE["a mix"], "--iw 0.8 --n 1").request
    assert isinstance(mix, Mix)
    assert (mix.prompt, mix.image_scale, len(mix.seeds)) == (MADE["a mix"].request.prompt, 0.8, 1)
    held = again(MADE["a depth map"], "--end 1 --levels 0:255").request
    assert isinstance(held, Control)
    assert (held.start, held.end, held.hint_range, held.scale) == (0.1, 1, (0, 255), 0.5)
    refined = again(MADE["a picture drawn over"], "--strength 0.9").request
    assert isinstance(refined, Refine)
    assert refined.strength == 0.9


def test_a_variation_can_become_quick_or_be_drawn_over() -> None:
    quick = again(MADE["a subtle variation"], "--flash")
    assert isinstance(quick.request, FlashMix)
    assert read_back(write(quick.line)) == quick.line
    fine = again(quick, "--steps 40")
    assert isinstance(fine.request, Mix)
    assert fine.request.steps == 40
    assert read_back(write(fine.line)) == fine.line
    over = again(MADE["a subtle variation"], "--strength 0.5").request
    assert isinstance(over, Refine)
    assert over.image == ONE.source


def test_an_extended_picture_takes_another_shape_but_not_its_own() -> None:
    tall = again(MADE["a wider frame"], "--ar 1:1").request
    assert isinstance(tall, Outpaint)
    assert (tall.width, tall.height) == (320, 320)
    with pytest.raises(NothingToAdd):
        again(MADE["a wider frame"], "--ar 5:3")


def test_another_shape_of_a_large_picture_stays_within_what_the_model_fills() -> None:
    photo = Given(source=Source(blob="d" * 64, width=1600, height=1200))
    made = outpaint(asking(SAID), photo, Canvas(1024, 768, (0, 0, 682, 512)))
    wide = again(made, "--ar 16:9").request
    assert isinstance(wide, Outpaint)
    assert max(wide.width, wide.height) == most_side(min(CARD.of("outpaint").native_size)) == 1024


@pytest.mark.parametrize(
    ("made", "said"),
    [("a mix", "--strength 0.5"), ("a repainted part", "--ar 1:1"), ("a picture drawn over", "--iw 1")],
)
def test_parameters_that_mean_nothing_to_it_are_refused_by_name(made: str, said: str) -> None:
    with pytest.raises(Misplaced) as refusal:
        again(MADE[made], said)
    assert refusal.value.parameter == said.split()[0].removeprefix("--")


@pytest.mark.parametrize("kind", ["x2", "flash_x2"])
def test_what_has_no_words_has_none_to_edit(kind: Kind) -> None:
    card = offering(CARD, kind)
    assert not MODES_HERE.editable(upscale(Asked(PromptLine(""), Preferences(), card), ONE, "x2").request)
    assert not MODES_HERE.editable(vary(asking(PromptLine("")), ONE).request)
    assert MODES_HERE.editable(MADE["a mix"].request)


def again(made: Composition, text: str) -> Composition:
    mode = MODES_HERE.of(made.request)
    assert mode.reword is not None
    taken = mode.parameters if mode.reword_parameters is None else mode.reword_parameters(made.request)
    said = parse(text, taken)
    return mode.reword(made.request, said_again(made.line, said), said, asking(PromptLine("")))
