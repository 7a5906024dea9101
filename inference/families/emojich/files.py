"""The released file of Emojich's cutting net. No torch here."""

from __future__ import annotations

from inference.checkpoints.models import Model
from inference.checkpoints.released import ReleasedFile

UNET = Model(
    name="emojich-unet",
    weights=ReleasedFile(
        "emojich",
        "ai-forever/rudalle-Emojich",
        "unet_effnetb5/pytorch_model_v2.bin",
        "emojich-unet",
        126_000_000,
        folder="emojich",
    ),
    once=("sberbank-ai/rudalle-Emojich",),
)
MODELS = (UNET,)
