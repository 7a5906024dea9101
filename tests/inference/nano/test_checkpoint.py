"""The shipped checkpoint: what it draws through the project's own conditioning, nets and samplers."""

import hashlib
import json

import numpy as np
import pytest
import torch

from inference.nano.checker import look
from inference.nano.export import WEIGHTS
from inference.nano.sampling import draw, open_nets

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
    nets = open_nets(WEIGHTS, request.param)
    pictures = draw(
        nets, request.param, [p for p, _, _ in PROMPTS for _ in range(2)], [11, 12] * len(PROMPTS), steps=20
    )
    return [look(picture) for picture in pictures.numpy()]


def test_backgrounds_come_out_as_asked(seen):
    right = [s.background == PROMPTS[i // 2][1] for i, s in enumerate(seen)]
    assert np.mean(right) >= 11 / 12, [s.background for s in seen]


def test_objects_have_the_colour_asked_for(seen):
    right = [bool(s.blobs) and s.blobs[0].colour == PROMPTS[i // 2][2] for i, s in enumerate(seen)]
    assert np.mean(right) >= 11 / 12, [s.blobs[:1] for s in seen]


def test_the_shipped_files_are_those_of_the_manifest():
    manifest = json.loads((WEIGHTS / "manifest.json").read_text("utf-8"))
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() == entry["sha256"], name
    present = {p.relative_to(WEIGHTS).as_posix() for p in WEIGHTS.rglob("*") if p.is_file()} - {"manifest.json"}
    assert present == manifest["files"].keys()
    assert sum(p.stat().st_size for p in WEIGHTS.rglob("*") if p.is_file()) <= 12_000_000


def test_it_was_trained_in_every_part():
    manifest = json.loads((WEIGHTS / "manifest.json").read_text("utf-8"))
    assert {"text", "movq", "unet", "flash"} <= manifest["trained"].keys()
    assert all(part["steps"] > 100 for part in manifest["trained"].values())
