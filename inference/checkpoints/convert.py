"""A released model into the studio's own layout, once: safetensors, its small files, a manifest of sha256."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from inference.checkpoints.manifest import Manifest
from inference.checkpoints.models import Found, Model
from inference.checkpoints.revisions import revision_of
from inference.checkpoints.tensors import State


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
    if config := found.manifest.get("configs", {}).get(model.name):
        manifest.configs[model.name] = config
        manifest.write()
