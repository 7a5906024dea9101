"""The nets of a checkpoint at the engine's service: loaded when first asked for, moved as memory demands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from inference.blobs import BlobMissing, decode_picture, decode_png
from inference.checkpoints.catalogue import Mode
from inference.checkpoints.language import LanguageModels
from inference.checkpoints.load import Checkpoint
from inference.engine.batching import Guide
from inference.engine.device import raise_if_lost
from inference.engine.residency import DevicePolicy, Residency
from inference.engine.result_cache import Remembered
from inference.families.kandinsky.conditioning import Context, EncodingCache, Tokens, contexts_by_rule, tokenize
from inference.families.kandinsky.inventory import (
    CLIP,
    CLIP_ACTIVATIONS,
    HED,
    MOVQ,
    TEXT,
    TEXT_ACTIVATIONS,
    UNet,
    control_activations,
    control_net,
    decoder_activations,
    encoder_activations,
    file_size,
    hed_activations,
    load,
    nets_of,
    superres_net,
    unet_activations,
)
from inference.families.kandinsky.nets.clip import embed_pictures
from inference.families.kandinsky.nets.control import control_residuals, hint_features
from inference.families.kandinsky.nets.hed import outline
from inference.families.kandinsky.nets.ip_adapter import image_tokens
from inference.families.kandinsky.nets.movq import decode, encode, to_uint8
from inference.families.kandinsky.nets.preview import Preview, fit_preview
from inference.families.kandinsky.nets.superres import MAPS_ALIVE, activation_bytes, predict_clean
from inference.families.kandinsky.nets.unet import Extras, denoise
from inference.families.kandinsky.pipelines.asks import Ask, Encode, Structure, Write, Written
from inference.families.language.model import ACTIVATIONS, Scribe

PICTURES_KNOWN = 64
SUPERRES = ("superres_x2", "superres_x4", "superres_flash_x2")
MOST_WINDOWS = 4  # one keeps a GPU busy by its arithmetic (16 TFLOP); with more at once others would wait longer
WINDOW_BYTES_PER_PIXEL = MAPS_ALIVE * 128 * 2  # of the released super-resolution nets in half precision
ROOM_TO_USE = 0.8

Activations = Callable[[nn.Module], int]

log = logging.getLogger(__name__)


def _no_blobs(digest: str) -> bytes:
    raise BlobMissing(digest)


class CheckpointKit:
    """The engine's `Kit` over a checkpoint and language models.

    `read_blob(digest)` gives the bytes of the pictures that requests work from. `before_loading(net, size)` is called
    before weights are read from disk, with the bytes of their files, `before_encoding()` before texts that are not
    known yet go through the encoder. `budget` limits the bytes on the device; by default its free memory is measured.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        policy: DevicePolicy,
        *,
        language: LanguageModels | None = None,
        read_blob: Callable[[str], bytes] = _no_blobs,
        budget: int | None = None,
        before_loading: Callable[[str, int], None] = lambda net, size: None,
        before_encoding: Callable[[], None] = lambda: None,
    ) -> None:
        self._checkpoint = checkpoint
        self._policy = policy
        self._read_blob = read_blob
        self._before_loading = before_loading
        self._before_encoding = before_encoding
        self._tokenizer: Any = None
        self._preview: Preview | None = None
        self._encodings = EncodingCache()
        self._embeddings, self._latents, self._outlines = (Remembered(PICTURES_KNOWN) for _ in range(3))
        self._hints: Any = WeakTensorKeyDictionary()  # features of a hint by net, as long as a run holds the hint
        self._device_nets = Residency(self._load, policy.device, size=self.size, budget=budget, moves=self._moves)
        apart = policy.text_device != policy.device
        self._text_nets = Residency(self._load, policy.text_device) if apart else self._device_nets
        self._scribe = Scribe(language or LanguageModels(), self._language_model)

    @property
    def device(self) -> torch.device:
        return self._policy.device

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the nets on the device now."""
        return self._device_nets.resident

    # What pipelines use without asking

    def tokenize(self, text: str) -> Tokens:
        if self._tokenizer is None:
            self._tokenizer = self._checkpoint.load_tokenizer()
        return tokenize(self._tokenizer, text)

    def picture(self, digest: str) -> Tensor:
        return torch.from_numpy(np.array(decode_picture(self._read_blob(digest))))  # [H, W, 3]

    def mask(self, digest: str) -> Tensor:
        return torch.from_numpy(np.array(decode_png(self._read_blob(digest))))  # [H, W], or [H, W, 3] where it is none

    def windows_at_once(self, height: int, width: int) -> int:
        free = self._device_nets.free()
        if free == float("inf"):
            return 1  # on the CPU one window keeps all cores busy
        here = [name for name in SUPERRES if name in self.resident]
        window = WINDOW_BYTES_PER_PIXEL * height * width
        if here:
            window = max(activation_bytes(self._device_nets.require(name), height, width) for name in here)
        else:
            free -= max(map(self.size, SUPERRES))
        return max(1, min(MOST_WINDOWS, int(free * ROOM_TO_USE / window)))

    # Answers

    def contexts(self, asks: Sequence[Encode]) -> list[tuple[Context, ...]]:
        texts = list(dict.fromkeys(ids for ask in asks for ids in ask.texts if ids is not None))

        def encoder() -> nn.Module:
            net = self._text_encoder()
            self._before_encoding()
            return net

        known = dict(zip(texts, self._encodings.encode(texts, encoder), strict=True))
        return [self._contexts_of(ask, [None if ids is None else known[ids] for ids in ask.texts]) for ask in asks]

    def denoise(self, mode: Mode, x: Tensor, t: Tensor, context: Context, guide: Guide) -> Tensor:
        x, t = x.to(self.device), t.to(self.device, non_blocking=True)
        extras = Extras(image_tokens=guide.image_tokens, image_scale=guide.image_scale)
        if guide.structures:
            extras = self._held(mode, x, t, context, guide, extras)
        unet = self._unet(mode, lambda net: unet_activations(net, x)).unet
        eps: Tensor = denoise(unet, x, t, context.rows, context.mask, context.pool_len, extras)
        return eps

    def enlarge(self, net: Literal["x2", "x4", "flash_x2"], x: Tensor, t: Tensor, low: Tensor) -> Tensor:
        windows, _, height, width = x.shape
        superres = self._device_nets.require(
            superres_net(net), lambda module: windows * activation_bytes(module, height, width)
        )
        x, t, low = (given.to(self.device, non_blocking=True) for given in (x, t, low))
        return predict_clean(superres, x, t, low)

    def decode(self, latent: Tensor) -> Tensor:
        pixels = to_uint8(self.to_pixels(latent))  # [3, 8h, 8w]
        return pixels.permute(1, 2, 0).contiguous().cpu()

    def to_pixels(self, latent: Tensor) -> Tensor:
        movq = self._movq(lambda net: decoder_activations(net, latent))
        pixels: Tensor = decode(movq, latent[None].to(self.device))[0]
        return pixels

    def to_latent(self, pixels: Tensor) -> Tensor:
        def look() -> Tensor:
            movq = self._movq(lambda net: encoder_activations(net, pixels))
            latent: Tensor = encode(movq, pixels[None].to(self.device))[0]
            return latent

        return self._latents.of(look, pixels).to(self.device)

    def embed_images(self, pictures: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        def look(picture: Tensor | None) -> Tensor:
            clip = self._device_nets.require(CLIP, lambda net: CLIP_ACTIVATIONS)
            return embed_pictures(clip, [picture])[0]

        return tuple(self._embeddings.of(partial(look, one), one).to(self.device) for one in pictures)

    def image_tokens(self, mode: Mode, embeddings: Sequence[Tensor]) -> tuple[Tensor, ...]:
        tokens: Tensor = image_tokens(self._unet(mode).unet, torch.stack(list(embeddings)))  # [B, T, C]
        return tuple(torch.split(tokens, 1))

    def outline(self, picture: Tensor, variant: Literal["soft", "safe", "scribble"]) -> Tensor:
        def look() -> Tensor:
            hed = self._device_nets.require(HED, lambda net: hed_activations(net, picture))
            return outline(hed, picture, variant)

        return self._outlines.of(look, picture, variant)

    def write(self, ask: Write) -> Written:
        return self._scribe.write(ask)

    def colours(self, x0: Tensor) -> Tensor | None:
        return None if self._preview is None else self._preview(x0).cpu()

    # Memory

    def at_hand(self, ask: Ask) -> bool:
        return all(name in self.resident for name in self._nets_of(ask))

    def expect(self, asks: Sequence[Ask]) -> None:
        self._device_nets.expect({name for ask in asks for name in self._nets_of(ask)})

    def check(self, error: Exception) -> None:
        raise_if_lost(self.device, error)

    def make_room(self) -> None:
        self._scribe.forget()
        self._device_nets.make_room()

    def warm(self, modes: Iterable[Mode]) -> None:
        """Loads what `modes` need as far as it fits without moving anything out, so that the first picture need not
        wait."""
        self.tokenize("")
        for name in (MOVQ, TEXT, *modes):
            if name == TEXT and self._text_nets is not self._device_nets:
                self._text_encoder()
            elif self._device_nets.fits(name):
                self._movq() if name == MOVQ else self._device_nets.require(name)

    def size(self, name: str) -> int:
        """Bytes of the files of a net: no less than it takes in memory, unless its format is widened."""
        model = self._scribe.nets.get(name)
        return file_size(self._checkpoint.files, name) if model is None else model.bytes

    # Inside

    def _contexts_of(self, ask: Encode, encodings: list[Tensor | None]) -> tuple[Context, ...]:
        unet = self._unet(ask.mode)
        return contexts_by_rule(
            ask.rule, unet.projection, unet.null_embedding, encodings, whole_negatives=ask.whole_negatives
        )

    def _held(self, mode: Mode, x: Tensor, t: Tensor, context: Context, guide: Guide, extras: Extras) -> Extras:
        """`extras` with what holds the rows to their structures: they are all for one net."""
        control = guide.structures[0][0].control
        size = (x.shape[-2], x.shape[-1])
        scale = torch.tensor([structure.scale for structure, rows in guide.structures for _ in range(rows)])
        if control is None:
            stem = self._unet(mode).unet
            features = self._features(mode, stem, guide.structures, size)
            scale = scale.to(features.device, features.dtype, non_blocking=True)
            return replace(extras, hint_features=features * scale[:, None, None, None])
        name = control_net(control)
        net = self._device_nets.require(name, lambda module: control_activations(module, x))
        features = self._features(name, net, guide.structures, size)
        text = (context.rows, context.mask, context.pool_len)
        return replace(extras, residuals=control_residuals(net, x, t, *text, features, scale))

    def _features(
        self, name: str, net: nn.Module, structures: Sequence[tuple[Structure, int]], size: tuple[int, int]
    ) -> Tensor:
        """What the stem of a net makes of the hints, [N, C, h, w]; of each hint once."""
        parts = []
        for structure, rows in structures:
            made = self._hints.setdefault(structure.hint, {})
            if name not in made:
                made[name] = hint_features(net, structure.hint, size)
            parts.append(made[name].expand(rows, -1, -1, -1))
        return torch.cat(parts)

    def _nets_of(self, ask: Ask) -> tuple[str, ...]:
        names = nets_of(ask)
        if isinstance(ask, Encode):
            known = all(ids is None or self._encodings.get(ids) is not None for ids in ask.texts)
            return (ask.mode,) if known or self._text_nets is not self._device_nets else names
        if isinstance(ask, Write):
            return (self._scribe.net_of(ask.task),)
        return names

    def _text_encoder(self) -> nn.Module:
        return self._text_nets.require(TEXT, lambda net: TEXT_ACTIVATIONS if self.device.type != "cpu" else 0)

    def _language_model(self, name: str) -> nn.Module:
        return self._text_nets.require(name, lambda net: ACTIVATIONS)

    def _unet(self, mode: Mode, activations: Activations = lambda net: 0) -> UNet:
        return cast(UNet, self._device_nets.require(mode, activations))

    def _movq(self, activations: Activations = lambda net: 0) -> nn.Module:
        movq = self._device_nets.require(MOVQ, activations)
        if self._preview is None:
            try:
                self._preview = fit_preview(movq)
            except Exception as error:  # looks at a picture are not worth the picture
                raise_if_lost(self.device, error)
                log.warning("no previews for now: %s", error)
        return movq

    def _moves(self, name: str) -> bool:
        return self._scribe.moves(name)

    def _load(self, name: str, device: torch.device) -> nn.Module:
        self._before_loading(name, self.size(name))
        if name in self._scribe.nets:
            return self._scribe.load(name, self._policy.text, device)
        return load(self._checkpoint, self._policy, name, device)
