"""config.json of ruCLIP: what the shapes of its weights do not tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from inference.checkpoints.tensors import UnreadableCheckpoint
from inference.families.ruclip.inputs import ELDER_MEAN, ELDER_STD, MEAN, STD, Colour, Look

MOST = 4096  # of any number in it


@dataclass(frozen=True, slots=True)
class Config:
    """`context` is how many ids a text may have; heads are those of attention in each tower, None for the usual."""

    elder: bool
    context: int
    look: Look
    text_heads: int
    vision_heads: int | None = None


def read_config(path: Path) -> Config:
    """What a configuration says, of the six versions or of the elder one, which is transformers' with its defaults.

    Raises UnreadableCheckpoint where it is none.
    """
    try:
        told = _object(json.loads(path.read_text("utf-8")))
        return _elder(told) if "vision_config" in told else _younger(told)
    except ValueError as error:
        raise UnreadableCheckpoint(f"{path.name} is no configuration of ruCLIP: {error}") from error


def _younger(told: Mapping[str, Any]) -> Config:
    look = Look(_number(told, "image_resolution"), _colour(told, "mean", MEAN), _colour(told, "std", STD))
    return Config(False, _number(told, "context_length"), look, _number(told, "transformer_heads"))


def _elder(told: Mapping[str, Any]) -> Config:
    text, vision = _object(told.get("text_config")), _object(told["vision_config"])
    size = _number(vision, "image_size", 224)
    return Config(
        elder=True,
        context=_number(text, "max_position_embeddings", 77) - 1,
        look=Look(size, _colour(told, "mean", ELDER_MEAN), _colour(told, "std", ELDER_STD)),
        text_heads=_number(text, "num_attention_heads", 8),
        vision_heads=_number(vision, "num_attention_heads", 12),
    )


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.40} instead of an object")
    return value


def _number(told: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = told.get(name, default)
    if type(value) is not int or not 1 < value <= MOST:
        raise ValueError(f"{name} is {value!r:.40}")
    return value


def _colour(told: Mapping[str, Any], name: str, default: Colour) -> Colour:
    value = told.get(name) or default
    parts = list(value) if isinstance(value, list | tuple) else []
    if len(parts) != 3 or not all(isinstance(part, float) and 0 < part < 1 for part in parts):
        raise ValueError(f"{name} is {value!r:.40}")
    return cast(Colour, tuple(parts))
