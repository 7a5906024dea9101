"""A request of every kind, the pictures they work from, and a kit that draws them all."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inference.blobs import BlobMissing, encode_png
from inference.engine.nets import Nets
from inference.engine.policy import DevicePolicy, device_policy
from inference.families.kandinsky.answers import Guide
from inference.families.kandinsky.conditioning import Context
from inference.families.kandinsky.files.catalogue import UNet
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.kit import CheckpointKit
from inference.families.language.asks import Write, Written
from inference.families.language.files import LanguageModels, language_models
from inference.families.language.kit import LanguageKit
from inference.requests import Kind, Request, parse_request
from tests.inference.families.language.models import write_llama, write_marian

SIDE = 64
KINDS: tuple[Kind, ...] = (
    "flash", "full", "refine", "inpaint", "outpaint", "mix", "mix_flash", "hed", "depth", "scribble",
    "x2", "x4", "flash_x2", "beautify", "translate",
)  # fmt: skip
WORDS = {"beautify": "fox in the forest", "translate": "лиса в лесу"}


def _picture(number: int, side: int = SIDE) -> Image.Image:
    noise = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)


def _mask() -> Image.Image:
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(255, (16, 16, 48, 40))
    return mask


def _stored(*images: Image.Image) -> dict[str, bytes]:
    return {hashlib.sha256(content).hexdigest(): content for content in map(encode_png, images)}


_MASK = _mask()
_WIDE = _picture(9, 56)
BLOBS = _stored(*(_picture(number, side) for number in range(4) for side in (16, 32, SIDE)), _MASK, _WIDE)


def source(number: int, side: int = SIDE, **more: Any) -> dict[str, Any]:
    (digest,) = _stored(_picture(number, side))
    return {"blob": digest, "width": side, "height": side, **more}


def request(
    kind: Kind, seed: int = 1, *more_seeds: int, prompt: str = "a red fox", number: int = 0, **fields: Any
) -> Request:
    """A small request of a kind, of few steps."""
    size = {"width": SIDE, "height": SIDE}
    (mask,) = _stored(_MASK)
    own: dict[str, dict[str, Any]] = {
        "flash": size,
        "full": {**size, "steps": 4, "negative_prompt": "blurry"},
        "refine": {**size, "steps": 6, "strength": 0.5, "image": source(number)},
        "inpaint": {"steps": 3, "image": source(number), "mask": mask, "native_side": SIDE},
        "outpaint": {
            "steps": 2, "image": source(number), "width": 128, "height": SIDE, "box": (32, 0, 64, 64),
            "native_side": SIDE,
        },
        "mix": {**size, "steps": 3, "images": [source(number, weight=0.7), source(number + 1, weight=0.3)]},
        "mix_flash": {**size, "images": [source(number)], "image_scale": 0.8},
        "hed": {**size, "steps": 3, "image": source(number)},
        "depth": {**size, "steps": 3, "image": source(number), "drawn": True, "scale": 0.7},
        "scribble": {**size, "steps": 3, "image": source(number), "end": 0.5, "styles": [source(number + 1)]},
        "x2": {"image": source(number, 32)},
        "x4": {"image": source(number, 16)},
        "flash_x2": {"image": source(number, 32)},
    }  # fmt: skip
    if "steps" in own.get(kind, {}):
        own[kind]["guidance_scale"] = 1.0  # more would only amplify roundings
    words = {} if kind in ("x2", "x4", "flash_x2") else {"prompt": WORDS.get(kind, prompt)}
    return parse_request({"kind": kind, **words, "seeds": (seed, *more_seeds), **own.get(kind, {}), **fields})


def tiled(seed: int = 1) -> Request:
    """A picture that is enlarged in four windows of 64 pixels."""
    (digest,) = _stored(_WIDE)
    return parse_request({"kind": "x2", "image": {"blob": digest, "width": 56, "height": 56}, "seeds": (seed,)})


def read_blob(digest: str) -> bytes:
    if digest not in BLOBS:
        raise BlobMissing(digest)
    return BLOBS[digest]


def language(folder: Path) -> LanguageModels:
    for name in ("llama", "marian"):
        (folder / name).mkdir()
    return language_models(str(write_llama(folder / "llama")), str(write_marian(folder / "marian")))


class NotedLanguage(LanguageKit):
    """The real kit of language models; `note` is told before each answer."""

    note: Callable[[str], None]

    def write(self, ask: Write) -> Written:
        self.note("write")
        return super().write(ask)


class AllKinds(CheckpointKit):
    """The real kits with a record of their passes; `trouble` maps the name of an answer to errors it raises first."""

    def __init__(
        self,
        folder: Path,
        models: LanguageModels,
        policy: DevicePolicy | None = None,
        nets: Nets | None = None,
        **options: Any,
    ) -> None:
        policy = policy or device_policy("cpu")
        self.nets = nets or Nets(policy.device, **options)
        super().__init__(Checkpoint.open(folder), policy, self.nets, read_blob=read_blob)
        self.models = models
        self.language = NotedLanguage(models, policy, self.nets)
        self.language.note = lambda name: self._note(name)
        self.kits = (self, self.language)
        self.rows: list[tuple[str, int]] = []
        self.trouble: dict[str, list[Exception]] = {}
        self.windows = 4
        self.rooms_made = 0

    def _note(self, name: str, rows: int = 1) -> None:
        self.rows.append((name, rows))
        if self.trouble.get(name):
            raise self.trouble[name].pop()

    def windows_at_once(self, height: int, width: int) -> int:
        return self.windows

    def forget(self) -> None:
        self.rooms_made += 1
        super().forget()

    def contexts(self, asks: Any) -> Any:
        self._note("contexts", sum(len(ask.texts) for ask in asks))
        return super().contexts(asks)

    def denoise(self, unet: UNet, x: Tensor, t: Tensor, context: Context, guide: Guide) -> Tensor:
        self._note("denoise", len(x))
        return super().denoise(unet, x, t, context, guide)

    def enlarge(self, net: Any, x: Tensor, t: Tensor, low: Tensor) -> Tensor:
        self._note("enlarge", len(x))
        return super().enlarge(net, x, t, low)

    def to_pixels(self, latent: Tensor) -> Tensor:
        self._note("to_pixels")
        return super().to_pixels(latent)

    def to_latent(self, pixels: Tensor) -> Tensor:
        self._note("to_latent")
        return super().to_latent(pixels)

    def embed_images(self, pictures: Any) -> Any:
        self._note("embed_images", len(pictures))
        return super().embed_images(pictures)

    def image_tokens(self, unet: UNet, embeddings: Any) -> Any:
        self._note("image_tokens", len(embeddings))
        return super().image_tokens(unet, embeddings)

    def outline(self, picture: Tensor, variant: Any) -> Tensor:
        self._note("outline")
        return super().outline(picture, variant)


def out_of_memory() -> Exception:
    return torch.OutOfMemoryError("CUDA out of memory")


def open_picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))
