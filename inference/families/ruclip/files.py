"""The released files of ruCLIP. No torch here."""

from __future__ import annotations

from inference.checkpoints.models import Model
from inference.checkpoints.released import ReleasedFile

_SMALL, _WORDS = 1_000, 1_000_000


def _model(name: str, parameters: int) -> Model:
    def file(path: str, size: int) -> ReleasedFile:
        return ReleasedFile("ruclip", f"ai-forever/{name}", path, name, size, folder=name)

    return Model(
        name=name,
        weights=file("pytorch_model.bin", 4 * parameters),
        beside=(file("config.json", _SMALL), file("bpe.model", _WORDS)),
        once=(f"sberbank-ai/{name}",),
    )


def _elder(name: str, parameters: int) -> Model:
    def file(path: str, size: int) -> ReleasedFile:
        return ReleasedFile("ruclip", "ai-forever/ru-clip", f"{name}/{path}", name, size)

    return Model(
        name=name,
        weights=file("pytorch_model.bin", 4 * parameters),
        beside=(file("config.json", _SMALL), file("bpe.model", _WORDS)),
        once=("sberbank-ai/ru-clip",),
    )


ELDER = _elder("ruclip-vit-base-patch32-v5", 151_300_000)
MODELS = (
    _model("ruclip-vit-base-patch32-224", 151_277_313),
    _model("ruclip-vit-base-patch16-224", 149_620_737),
    _model("ruclip-vit-large-patch14-224", 427_616_513),
    _model("ruclip-vit-base-patch32-384", 151_350_273),
    _model("ruclip-vit-large-patch14-336", 427_944_193),
    _model("ruclip-vit-base-patch16-384", 149_912_577),
    ELDER,
)
