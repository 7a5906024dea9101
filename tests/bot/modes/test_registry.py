"""The tuple of modes: what it refuses, and that nobody has to name a mode to work with one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from bot.jobs.mode import Action, Mode, Modes, View
from bot.modes import MODES
from bot.modes.mix.buttons import MixButton
from bot.texts.i18n import speaking
from inference.requests import REQUESTS, FlashTextToImage, Refine, Worded
from tests.bot.conversation.painter import ALL_MODES, offering


async def _nothing(*_given: Any) -> None:
    """Does nothing."""


TAKEN: dict[str, Mode[Any]] = {
    "name": Mode(name="vary"),
    "command": Mode(name="new", commands=("new", "fix")),
    "request type": Mode(name="new", requests=(Refine,)),
    "button": Mode(name="new", buttons=(MixButton,)),
    "action": Mode(name="new", actions=(Action("x2", "", "", (), {}, _nothing),)),
    "kind": Mode(name="new", names={"hed": "Outlines"}),
    "remark": Mode(name="new", remarks={"quick_mix": "Quickly."}),
}


@pytest.mark.parametrize("what", TAKEN)
def test_two_modes_cannot_claim_the_same(what: str) -> None:
    with pytest.raises(ValueError, match=f"two modes claim the {what}"):
        Modes((*MODES, TAKEN[what]))


def test_every_kind_of_request_has_a_mode_that_answers_for_it_by_name() -> None:
    modes = Modes(MODES)
    for kind, request_type in REQUESTS.items():
        assert any(request_type in mode.requests for mode in modes), kind
        with speaking("ru"):
            assert modes.kind_name(kind) != kind


def test_a_mode_that_makes_pictures_can_tell_what_it_has_made() -> None:
    for mode in MODES:
        if mode.requests and mode.ending is None:
            worded = any(issubclass(kind, Worded) for kind in mode.requests)
            assert not worded or mode.reword is not None or mode.of_words_alone, mode.name


def test_every_place_under_a_picture_is_taken_once() -> None:
    for view in get_args(View):
        places = [one.at[view] for mode in MODES for one in mode.actions if view in one.at]
        assert len(places) == len(set(places)), view


def test_a_new_mode_is_listed_and_shown_by_being_in_the_tuple() -> None:
    action: Action[Any] = Action("frame", "🖼", "Frame", ("flash",), {"picture": (0, 9)}, _nothing)
    more = Modes((*MODES, Mode(name="frame", commands=("frame",), about="A frame", actions=(action,))))
    assert more.commanded("frame") is not None
    assert [one.name for one in more.actions("picture")[0]][-1] == "frame"


def test_keys_of_modes_stand_only_where_their_weights_are() -> None:
    flash = FlashTextToImage(prompt="a fox", seeds=(1,))
    without = offering(ALL_MODES, "flash")
    modes = Modes(MODES)
    with speaking("en"):
        assert [key.text for key in modes.keys("picture", flash, 1, ALL_MODES)] == ["💎 Quality", "🎭 Style"]
        assert [key.text for key in modes.keys("picture", flash, 1, without)] == ["🎭 Style"]
        assert [key.text for key in modes.keys("grid", flash, 1, without)] == ["🎭 Style"]


def test_modes_are_values() -> None:
    vary = next(mode for mode in MODES if mode.name == "vary")
    assert replace(vary, name="other").commands == vary.commands
