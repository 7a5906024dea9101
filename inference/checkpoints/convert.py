"""A released model into the studio's own layout, once: safetensors, its small files, a manifest of sha256."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from inference.checkpoints.manifest import Manifest
from inference.checkpoints.models import Found, Model
from inference.checkpoints.revisions import revision_of
from inference.checkpoints.tensors import State


class DoesNotFit(OSError):
    """The target disk has too little room."""


def check_room(needed: int, target: Path) -> None:
    """Raises DoesNotFit where `target` has no room for so many bytes."""
    free = shutil.disk_usage(target).free
    if needed > free:
        raise DoesNotFit(f"converting needs about {needed:,} bytes in {target}, {free:,} are free")


def still_to_convert(model: Model, found: Found, manifest: Manifest, dtype: torch.dtype = torch.float32) -> int:
    """About how many bytes `convert_model` would write: none for what is there already."""
    origin = revision_of(found.folder, found.weights, found.manifest)
    return 0 if manifest.has(model.studio_file, origin, dtype) else found.weights.stat().st_size


def convert_model(
    model: Model, found: Found, read: Callable[[Path], State], manifest: Manifest, dtype: torch.dtype = torch.float32
) -> None:
    """Writes a model that was `found` into the manifest's folder, its weights as `read` gives them, in `dtype`.

    Weights that are there already, in that format and from the same source, are left alone. Raises
    UnreadableCheckpoint.
    """
    origin = revision_of(found.folder, found.weights, found.manifest)
    if not manifest.has(model.studio_file, origin, dtype):
        state = {name: tensor.to(dtype).contiguous() for name, tensor in read(found.weights).items()}
        manifest.add(model.studio_file, state, origin)
    for name, path in found.beside.items():
        manifest.copy(path, f"{model.name}/{name}")
    if found.config:
        manifest.configs[model.name] = found.config
        manifest.write()
