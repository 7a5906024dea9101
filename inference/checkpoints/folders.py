"""Looking for weights in folders, however they got there. No torch here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

DEFAULT_FOLDER = Path("data/weights")
MANIFEST = "manifest.json"

_WEIGHTS = ("model.safetensors", "model.fp16.safetensors", "pytorch_model.bin")


class MissingWeights(RuntimeError):
    """Something that no weights folder holds was asked for; the message names it and the folder."""


def stated(folder: Path) -> dict[str, Any]:
    """What manifest.json says of a weights folder; nothing where there is none."""
    manifest = folder / MANIFEST
    told: dict[str, Any] = json.loads(manifest.read_text("utf-8")) if manifest.is_file() else {}
    return told


def snapshots(folder: Path, *repos: str) -> Iterator[Path]:
    """Where the hub's cache in `folder` keeps `repos`, and the folder "weights" of each."""
    for repo in repos:
        for snapshot in sorted((folder / f"models--{repo.replace('/', '--')}" / "snapshots").glob("*")):
            yield from (snapshot, snapshot / "weights")


def first_folder(roots: Iterable[Path], names: Iterable[str], test: Callable[[Path], bool]) -> Path | None:
    """The first folder of one of these names, in any of `roots`, that passes a test."""
    known = tuple(roots)
    return next((root / name for name in names for root in known if test(root / name)), None)


def holds_model(folder: Path) -> bool:
    """Whether a folder has a configuration as transformers writes it and every weight file that its index names."""
    if not (folder / "config.json").is_file():
        return False
    for index in sorted(folder.glob("*.index*.json")):
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        if all((folder / shard).is_file() for shard in shards):
            return True
    return any((folder / single).is_file() for single in _WEIGHTS)


def weights_in(folder: Path) -> list[Path]:
    """Weight files of a folder as transformers stores a model."""
    return sorted(path for path in folder.glob("*model*") if path.suffix in (".safetensors", ".bin"))
