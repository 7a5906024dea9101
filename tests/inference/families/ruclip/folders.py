"""The recorded small ruCLIP as the files of a version, and of the elder one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.checkpoints.models import Model
from inference.families.ruclip.files import ELDER, MODELS
from inference.families.ruclip.nets import to_transformers
from tests.parity.golden import Golden, Recording

GOLDEN = Golden(Path(__file__).parents[3] / "golden")
YOUNGER = MODELS[0]


def recording() -> Recording:
    return GOLDEN.read("ruclip_tiny")


def state() -> dict[str, Tensor]:
    """Its tensors under the released names."""
    return {name: it for name, it in recording().tensors.items() if not name.startswith(("input.", "expected."))}


def write_younger(folder: Path) -> Path:
    return _write(folder, YOUNGER, state(), recording().meta["config"])


def write_elder(folder: Path) -> Path:
    """As transformers 4.11 wrote a model, position ids included."""
    told = recording().meta["config"]
    config = {
        "text_config": {"num_attention_heads": told["transformer_heads"], "max_position_embeddings": 77},
        "vision_config": {"num_attention_heads": 2, "image_size": told["image_resolution"]},
    }
    ids = {f"{tower}.embeddings.position_ids": torch.arange(17)[None] for tower in ("text_model", "vision_model")}
    return _write(folder, ELDER, {**to_transformers(state()), **ids}, config)


def _write(folder: Path, model: Model, weights: dict[str, Tensor], config: dict[str, Any]) -> Path:
    path = folder / model.weights.place
    path.parent.mkdir(parents=True)
    torch.save({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    (path.parent / "config.json").write_text(json.dumps(config))
    shutil.copy(GOLDEN.file("yttm_tiny.bpe.model"), path.parent / "bpe.model")
    return folder
