"""The shipped checkpoint: what it draws through the project's own conditioning, nets and samplers."""

import hashlib
import json
from itertools import combinations

import numpy as np
import pytest
import torch

from inference.families.kandinsky.files.store import locate, nets_of
from inference.nano.checker import look
from inference.nano.export import WEIGHTS
from inference.nano.studio import Studio
from inference.requests import FlashTextToImage, Mix, TextToImage, WeighedSource

PROMPTS = [
    ("красный круг на синем фоне", "blue", "red"),
    ("жёлтая звезда в космосе", "night", "yellow"),
    ("белый квадрат на чёрном фоне", "black", "white"),
    ("a green square on a white background", "white", "green"),
    ("a black cat in space", "night", "black"),
    ("a pink heart on a green background", "green", "pink"),
]


@pytest.fixture(scope="module", params=["flash", "base"])
def seen(request):
    torch.set_num_threads(1)
    how = {"seeds": (11, 12), "width": 128, "height": 128}
    requests = {
        "flash": [FlashTextToImage(prompt=prompt, **how) for prompt, _, _ in PROMPTS],
        "base": [TextToImage(prompt=prompt, steps=20, **how) for prompt, _, _ in PROMPTS],
    }[request.param]
    return [look(picture) for both in Studio(WEIGHTS).draw(requests) for picture in both]


def test_backgrounds_come_out_as_asked(seen):
    right = [s.background == PROMPTS[i // 2][1] for i, s in enumerate(seen)]
    assert np.mean(right) >= 11 / 12, [s.background for s in seen]


def test_objects_have_the_colour_asked_for(seen):
    right = [bool(s.blobs) and s.blobs[0].colour == PROMPTS[i // 2][2] for i, s in enumerate(seen)]
    assert np.mean(right) >= 11 / 12, [s.blobs[:1] for s in seen]


def test_the_shipped_files_are_those_of_the_manifest() -> None:
    manifest = json.loads((WEIGHTS / "manifest.json").read_text("utf-8"))
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() == entry["sha256"], name
    present = {p.relative_to(WEIGHTS).as_posix() for p in WEIGHTS.rglob("*") if p.is_file()} - {"manifest.json"}
    assert present == manifest["files"].keys()


def test_it_is_small_enough_for_a_wheel() -> None:
    from_words = {*nets_of(locate(WEIGHTS), "flash"), *nets_of(locate(WEIGHTS), "full")}
    assert locate(WEIGHTS).size(from_words) <= 13_000_000
    assert sum(p.stat().st_size for p in WEIGHTS.rglob("*") if p.is_file()) <= 26_000_000


def test_variations_that_lie_apart_differ_where_seeds_alone_give_near_twins():
    torch.set_num_threads(1)
    studio = Studio(WEIGHTS)
    ((circle,),) = studio.draw(
        [FlashTextToImage(prompt="a red circle on a blue background", seeds=(7,), width=128, height=128)]
    )
    image = WeighedSource(**studio.put(circle).model_dump())
    seeds_alone = Mix(prompt="", images=(image,), seeds=(1, 2, 3, 4), width=128, height=128, steps=25)
    apart = seeds_alone.model_copy(update={"each": (1.25, 1.083, 0.917, 0.75)})

    def difference(pictures):
        pairs = combinations([picture.astype(float) for picture in pictures], 2)
        return np.mean([np.abs(one - other).mean() for one, other in pairs])

    twins, variations = map(difference, studio.draw([seeds_alone, apart]))
    assert variations > 1.3 * twins, (twins, variations)


def test_it_was_trained_in_every_part() -> None:
    manifest = json.loads((WEIGHTS / "manifest.json").read_text("utf-8"))
    assert {"text", "movq", "unet", "flash"} <= manifest["trained"].keys()
    assert all(part["steps"] > 100 for part in manifest["trained"].values())
