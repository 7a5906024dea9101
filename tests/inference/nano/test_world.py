"""The procedural world: what a seed names and how it is drawn."""

from collections import Counter

import numpy as np
import pytest

from inference.nano.drawing import covered, draw, silhouette
from inference.nano.world import (
    BACKGROUNDS,
    KINDS,
    SHAPES,
    SIZE,
    STYLES,
    Scene,
    Thing,
    goes_with,
    placements,
    practice_scene,
    sample_scene,
)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones() -> None:
    first, again, other = (np.asarray(draw(sample_scene(seed))) for seed in (7, 7, 8))
    assert first.shape == (SIZE, SIZE, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_kind_background_and_shape_occurs() -> None:
    scenes = [sample_scene(seed) for seed in range(3000)]
    assert {scene.kind for scene in scenes} == set(KINDS)
    assert {scene.background for scene in scenes} == set(BACKGROUNDS)
    assert Counter(thing.shape for scene in scenes for thing in scene.things).keys() == set(SHAPES)


def test_practice_has_more_pairs_and_of_all_else_as_much_as_there_is_to_one_another() -> None:
    kinds, usual = (Counter(scene_of(seed).kind for seed in range(4000)) for scene_of in (practice_scene, sample_scene))
    assert kinds["pair"] > 1.3 * usual["pair"]
    for kind in ("single", "count", "abstract"):
        left = (4000 - kinds["pair"]) / (4000 - usual["pair"])
        assert 0.8 < kinds[kind] / (usual[kind] * left) < 1.2, kind


def test_no_object_drowns_in_its_background() -> None:
    for seed in range(3000):
        scene = sample_scene(seed)
        assert all(goes_with(thing.colour, scene.background) for thing in scene.things)


def test_a_black_cat_is_allowed_in_space_and_can_be_seen_there() -> None:
    assert goes_with("black", "night")
    assert not goes_with("blue", "blue")


@pytest.mark.parametrize("kind", ["count", "pair"])
def test_neighbours_never_touch(kind):
    for seed in range(200):
        spots = placements(sample_scene(seed, kind))
        for i, (x, y, r) in enumerate(spots):
            for a, b, s in spots[:i]:
                assert np.hypot(x - a, y - b) > r + s


def test_silhouettes_of_different_shapes_differ() -> None:
    masks = [silhouette(shape) for shape in SHAPES]
    for i, mask in enumerate(masks):
        assert mask.any()
        for other in masks[:i]:
            assert (mask ^ other).mean() > 0.02


def test_every_style_occurs_and_most_scenes_are_flat() -> None:
    found = Counter(sample_scene(seed).style for seed in range(3000))
    assert found.keys() == set(STYLES)
    assert found["flat"] > 0.8 * 3000


@pytest.mark.parametrize("shape", SHAPES)
def test_a_line_drawing_has_the_outline_and_leaves_the_inside_open(shape):
    how = {"seed": 3, "things": (Thing(shape, "red"),), "background": "white", "size": "large"}
    filled, lines = covered(Scene("single", **how)), covered(Scene("single", style="lines", **how))
    assert 0.15 * filled.sum() < lines.sum() < 0.85 * filled.sum()
    assert (lines & ~filled.astype(bool)).sum() < 0.35 * lines.sum()


def test_what_is_covered_is_the_thing_and_not_its_ground() -> None:
    scene = Scene("single", 5, (Thing("circle", "yellow"),), background="night", style="watercolour")
    there = covered(scene)
    assert there[64, 64] == 1
    assert there[:12].sum() == 0 and 0.1 < there.mean() < 0.4
