"""What the nets hear in a text is told from what they draw: by the shipped nets, which know what captions mean."""

from __future__ import annotations

import pytest

from benchmarks.nano_reading import SILENCE, Read, read, summed
from inference.nano.hearing import OF_KIND, _changed
from inference.nano.meaning import plain_caption, settled
from inference.nano.people import Saying, named
from inference.nano.text import ATTRIBUTES
from inference.nano.unpack import unpack


def saying(text, kind, *things, **more) -> Saying:
    says = {"kind": kind, "things": [{"shape": shape, "colour": colour} for shape, colour in things]}
    nothing = dict.fromkeys(("count", "pairing", "background", "position", "size", "style"))
    return Saying(text, "en", nothing | says | more)


PAIR = saying(
    "a red heart above a blue star on a yellow background",
    "pair",
    ("heart", "red"),
    ("star", "blue"),
    pairing="above",
    background="yellow",
)


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    out = tmp_path_factory.mktemp("states")
    unpack(out)
    return out


def test_a_plain_sentence_is_heard_as_what_it_says_and_not_as_what_one_would_have_it_say(states):
    three = saying("three black cats at sea", "count", ("cat", "black"), count=3, background="sea")
    wrong = saying(three.text, "count", ("cat", "orange"), count=3, background="sea")
    swapped = saying(PAIR.text, "pair", ("star", "blue"), ("heart", "red"), pairing="above", background="yellow")
    found = read(states, [three, PAIR, wrong, swapped])
    assert [one.right() for one in found] == [True, True, False, False]
    assert found[2].heard == named(three) and found[3].heard == named(PAIR)
    table = summed(found)
    assert "| all | 4 | 50.0 % |" in table and "| count | 2 | 50.0 % | 100.0 % |" in table


def test_what_is_not_said_is_the_middle_and_a_middling_size() -> None:
    assert SILENCE == {"position": "centre", "size": "medium"}
    says = {"kind": "single", "shape1": "cat", "position": "centre", "size": "medium"}
    heard = {"kind": "single", "shape1": "cat", "background": "white"}
    assert Read("…", "en", says, heard).right()
    assert not Read("…", "en", {**says, "position": "left"}, heard).right()
    assert not Read("…", "en", says, {**heard, "size": "large"}).right(("size",))


@pytest.mark.parametrize(
    ("kind", "more"), [("single", {}), ("count", {"count": "2"}), ("pair", {"shape2": "sun", "pairing": "beside"})]
)
def test_every_meaning_one_step_away_is_another_that_can_be_said(kind, more):
    meant = settled({"kind": kind, "shape1": "ring", "colour1": "red", **more})
    offered = list(_changed(meant))
    assert meant not in offered
    captions = {plain_caption(one) for one in offered}
    assert len(captions) >= len(offered) - 3  # an exchange of two things may come to a change of one
    for name in OF_KIND[kind]:
        assert {one.get(name) for one in offered} >= set(ATTRIBUTES[name]), name


def test_what_a_person_says_is_named_as_captions_name_it() -> None:
    assert named(PAIR) == {
        "kind": "pair", "shape1": "heart", "colour1": "red", "shape2": "star", "colour2": "blue",
        "pairing": "above", "background": "yellow",
    }  # fmt: skip
    one = saying("…", "single", ("cat", None), position="left", size="small", style="lines")
    assert named(one) == {"kind": "single", "shape1": "cat", "position": "left", "size": "small", "style": "lines"}
    assert named(saying("…", "count", ("fish", "red"), count=3))["count"] == "3"
