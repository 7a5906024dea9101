"""The released files of Real-ESRGAN. No torch here."""

from __future__ import annotations

from inference.checkpoints.models import Model
from inference.checkpoints.released import ReleasedFile

_REPO = "ai-forever/Real-ESRGAN"


def _model(scale: int) -> Model:
    name = f"realesrgan-x{scale}"
    file = ReleasedFile("realesrgan", _REPO, f"RealESRGAN_x{scale}.pth", name, 67_000_000, folder="realesrgan")
    return Model(name=name, weights=file, once=("sberbank-ai/Real-ESRGAN",))


MODELS = tuple(_model(scale) for scale in (2, 4, 8))
