"""Released models that are one net in one file, and small files beside it: where they lie in a weights folder. No torch
here.

A weights folder may hold a model as the studio writes it (a folder of its name with `model.safetensors` and the small
files), as `weights download` fetches it, or in the hub's own cache. The studio's files win.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from inference.checkpoints.folders import MissingWeights, snapshots, stated
from inference.checkpoints.released import ReleasedFile, human_size

WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A released model: its weights, small files `beside` them, and names that its repository `once` had."""

    name: str
    weights: ReleasedFile
    beside: tuple[ReleasedFile, ...] = ()
    once: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The name of the family that reads it."""
        return self.weights.layout

    @property
    def files(self) -> tuple[ReleasedFile, ...]:
        return (*self.beside, self.weights)

    @property
    def bytes(self) -> int:
        """About how much there is to download."""
        return sum(file.bytes for file in self.files)

    @property
    def studio_file(self) -> str:
        """Where the studio keeps the weights in a weights folder."""
        return f"{self.name}/{WEIGHTS}"


@dataclass(frozen=True, slots=True)
class Found:
    """A model in a weights folder. `beside` has the small files by their names, `manifest` is that of the folder."""

    name: str
    folder: Path
    weights: Path
    beside: Mapping[str, Path]
    manifest: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        """What the manifest states of it that shapes do not tell."""
        stated: Mapping[str, Any] = self.manifest.get("configs", {}).get(self.name, {})
        return stated


def find(folder: Path, model: Model) -> Found | None:
    """Where a model lies in a weights folder, with everything that belongs to it; None where it does not."""
    for weights, beside in _places(folder, model):
        if weights.is_file() and all(path.is_file() for path in beside):
            return Found(model.name, folder, weights, {path.name: path for path in beside}, stated(folder))
    return None


def require(folder: Path, model: Model) -> Found:
    """The same. Raises MissingWeights, which says what there would be to download."""
    found = find(folder, model)
    if found is None:
        raise MissingWeights(f"no {model.name} in {folder}: {model.weights.place} ({human_size(model.bytes)})")
    return found


def _places(folder: Path, model: Model) -> Iterator[tuple[Path, list[Path]]]:
    own = folder / model.name
    yield own / WEIGHTS, [own / PurePosixPath(file.path).name for file in model.beside]
    yield folder / model.weights.place, [folder / file.place for file in model.beside]
    for snapshot in snapshots(folder, model.weights.repo, *model.once):
        yield snapshot / model.weights.path, [snapshot / file.path for file in model.beside]
