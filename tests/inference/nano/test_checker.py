"""The checker on true drawings: what it reports must be what was drawn."""

from dataclasses import replace

import numpy as np
import pytest

from inference.nano.checker import look
from inference.nano.drawing import draw
from inference.nano.evaluate import marks
from inference.nano.world import sample_scene


@pytest.mark.parametrize("kind", ["single", "count", "pair"])
def test_true_pictures_are_read_right(kind):
    scenes = [replace(sample_scene(40_000_000 + i, kind), style="flat") for i in range(60)]
    found = [marks(scene, look(np.asarray(draw(scene)))) for scene in scenes]
    for column in found[0]:
        # One in sixty may be a tree read as a triangle; a broken measure misses far more.
        assert np.mean([m[column] for m in found]) >= 0.98, column


def test_a_picture_of_something_else_does_not_pass() -> None:
    asked = [replace(sample_scene(40_000_000 + i, "pair"), style="flat") for i in range(20)]
    shown = [np.asarray(draw(replace(sample_scene(41_000_000 + i, "pair"), style="flat"))) for i in range(20)]
    found = [marks(scene, look(picture)) for scene, picture in zip(asked, shown, strict=True)]
    assert np.mean([m["pair colours"] for m in found]) < 0.2
    assert np.mean([m["background"] for m in found]) < 0.5


def test_an_empty_picture_has_a_background_and_nothing_on_it() -> None:
    seen = look(np.full((128, 128, 3), (34, 74, 212), dtype=np.uint8))
    assert seen.background == "blue" and seen.blobs == ()
