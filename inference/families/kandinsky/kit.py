"""The nets of a checkpoint at the engine's service: loaded when first asked for, moved as memory demands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from inference.blobs import BlobMissing, decode_picture, decode_png
from inference.engine.device import raise_if_lost
from inference.engine.finite import NotFinite
from inference.engine.kit import Kit, PipelineSpec
from inference.engine.nets import Nets
from inference.engine.policy import DevicePolicy
from inference.engine.previews import pixel_colours, to_uint8
from inference.engine.result_cache import Remembered
from inference.families.kandinsky.answers import Guide, answer
from inference.families.kandinsky.asks import Encode, Enlarge, Structure
from inference.families.kandinsky.conditioning import Context, EncodingCache, Tokens, contexts_by_rule, tokenize
from inference.families.kandinsky.files.catalogue import SUPERRES, Net, UNet, moved_for
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.formats import formats_of
from inference.families.kandinsky.inventory import PIXEL_CHANNELS, WholeUNet, net_specs, nets_used
from inference.families.kandinsky.nets.clip import embed_pictures
from inference.families.kandinsky.nets.control import control_residuals, hint_features
from inference.families.kandinsky.nets.hed import outline
from inference.families.kandinsky.nets.ip_adapter import image_tokens
from inference.families.kandinsky.nets.movq import decode, encode
from inference.families.kandinsky.nets.preview import Preview, fit_preview
from inference.families.kandinsky.nets.superres import MAPS_ALIVE, activation_bytes, predict_clean
from inference.families.kandinsky.nets.unet import Extras, denoise
from inference.families.kandinsky.pipelines import PIPELINES
from inference.requests import Request

PICTURES_KNOWN = 64
FIRST_WANTED: tuple[UNet, ...] = ("flash", "full")
MOST_WINDOWS = 4  # one keeps a GPU busy by its arithmetic (16 TFLOP); with more at once others would wait longer
WINDOW_BYTES_PER_PIXEL = MAPS_ALIVE * 128 * 2  # of the released super-resolution nets in half precision
ROOM_TO_USE = 0.8

log = logging.getLogger(__name__)


def _no_blobs(digest: str) -> bytes:
    raise BlobMissing(digest)


class CheckpointKit(Kit):
    """Kandinsky over a checkpoint, whose nets it registers among `nets`.

    `read_blob(digest)` gives the bytes of the pictures that requests work from. `before_encoding()` is called before
    texts that are not known yet go through the encoder.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        policy: DevicePolicy,
        nets: Nets,
        *,
        read_blob: Callable[[str], bytes] = _no_blobs,
        before_encoding: Callable[[], None] = lambda: None,
    ) -> None:
        self._checkpoint = checkpoint
        self._policy = policy
        self._nets = nets
        self._read_blob = read_blob
        self._before_encoding = before_encoding
        self._tokenizer: Any = None
        self._preview: Preview | None = None
        self._encodings = EncodingCache()
        self._embeddings, self._latents, self._outlines = (Remembered(PICTURES_KNOWN) for _ in range(3))
        self._hints: Any = WeakTensorKeyDictionary()  # features of a hint by net, as long as a run holds the hint
        nets.register(net_specs(checkpoint, policy))

    @property
    def device(self) -> torch.device:
        return self._nets.device

    # What the engine asks

    @property
    def pipelines(self) -> dict[type[Request], PipelineSpec]:
        return PIPELINES

    def answer(self, asks: Sequence[Any], *, room: int, lean: bool) -> list[object]:
        return answer(self, asks, room=room, lean=lean)

    def nets_for(self, ask: Any) -> tuple[str, ...]:
        if isinstance(ask, Encode) and all(ids is None or self._encodings.get(ids) is not None for ids in ask.texts):
            return (self.named(ask.unet),)
        return super().nets_for(ask)

    def takes(self, kind: str) -> tuple[str, ...]:
        return tuple(map(self.named, moved_for(kind)))

    def named(self, net: str) -> str:
        return self._nets.named(net)

    @cached_property
    def in_float32(self) -> Kit | None:
        whole = replace(self._policy, whole=True)
        if formats_of(whole) == formats_of(self._policy):
            return None
        aside = self._nets.aside(" in float32")
        return CheckpointKit(
            self._checkpoint, whole, aside, read_blob=self._read_blob, before_encoding=self._before_encoding
        )

    def leave(self) -> None:
        super().leave()
        self._nets.drop()

    def room(self, ask: Any, most: int) -> int:
        return self.windows_at_once(*ask.x.shape[-2:]) if isinstance(ask, Enlarge) else most

    def colours(self, x0: Tensor) -> Tensor | None:
        if x0.shape[1] == PIXEL_CHANNELS:
            return pixel_colours(x0)
        return None if self._preview is None else self._preview(x0).cpu()

    def warm(self, kinds: Collection[str]) -> None:
        _ = self._revisions
        self.tokenize("")
        for name in ("movq", "text_encoder", *(unet for unet in FIRST_WANTED if unet in kinds)):
            if self._nets.warm(name) and name == "movq":
                self._movq()

    def revisions(self, request: Request) -> dict[str, str]:
        used = nets_used(self._checkpoint.files, request)
        return {net: self._revisions[net] for net in used if net in self._revisions}

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
        free = self._nets.free()
        if free == float("inf"):
            return 1  # on the CPU one window keeps all cores busy
        here = [name for name in SUPERRES if name in self._nets.resident]
        window = WINDOW_BYTES_PER_PIXEL * height * width
        if here:
            window = max(activation_bytes(self._nets.require(name), height, width) for name in here)
        else:
            free -= max(map(self._nets.size, SUPERRES))
        return max(1, min(MOST_WINDOWS, int(free * ROOM_TO_USE / window)))

    # Answers

    def contexts(self, asks: Sequence[Encode]) -> list[tuple[Context, ...]]:
        texts = list(dict.fromkeys(ids for ask in asks for ids in ask.texts if ids is not None))

        def encoder() -> nn.Module:
            net = self._nets.require("text_encoder", texts)
            self._before_encoding()
            return net

        known = dict(zip(texts, self._encodings.encode(texts, encoder), strict=True))
        return [self._contexts_of(ask, [None if ids is None else known[ids] for ids in ask.texts]) for ask in asks]

    def denoise(self, unet: UNet, x: Tensor, t: Tensor, context: Context, guide: Guide) -> Tensor:
        x, t = x.to(self.device), t.to(self.device, non_blocking=True)
        extras = Extras(image_tokens=guide.image_tokens, image_scale=guide.image_scale)
        if guide.structures:
            extras = self._held(unet, x, t, context, guide, extras)
        net = self._unet(unet, x).unet
        eps: Tensor = denoise(net, x, t, context.rows, context.mask, context.pool_len, extras)
        return eps

    def enlarge(self, net: Net, x: Tensor, t: Tensor, low: Tensor) -> Tensor:
        superres = self._nets.require(net, x)
        x, t, low = (given.to(self.device, non_blocking=True) for given in (x, t, low))
        return predict_clean(superres, x, t, low)

    def decode(self, latent: Tensor) -> Tensor:
        pixels = self.to_pixels(latent)  # [3, 8h, 8w]
        sound = torch.isfinite(pixels).all()
        picture = to_uint8(pixels).permute(1, 2, 0).contiguous().cpu()
        if not sound:
            raise NotFinite("movq", self._nets.dtype("movq"))
        return picture

    def to_pixels(self, latent: Tensor) -> Tensor:
        pixels: Tensor = decode(self._movq(latent), latent[None].to(self.device))[0]
        return pixels

    def to_latent(self, pixels: Tensor) -> Tensor:
        def look() -> Tensor:
            latent: Tensor = encode(self._movq(pixels), pixels[None].to(self.device))[0]
            return latent

        return self._latents.of(look, pixels).to(self.device)

    def embed_images(self, pictures: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        def look(picture: Tensor | None) -> Tensor:
            return embed_pictures(self._nets.require("image_encoder", picture), [picture])[0]

        return tuple(self._embeddings.of(partial(look, one), one).to(self.device) for one in pictures)

    def image_tokens(self, unet: UNet, embeddings: Sequence[Tensor]) -> tuple[Tensor, ...]:
        tokens: Tensor = image_tokens(self._unet(unet).unet, torch.stack(list(embeddings)))  # [B, T, C]
        return tuple(torch.split(tokens, 1))

    def outline(self, picture: Tensor, variant: Literal["soft", "safe", "scribble"]) -> Tensor:
        def look() -> Tensor:
            return outline(self._nets.require("hed_detector", picture), picture, variant)

        return self._outlines.of(look, picture, variant)

    # Inside

    @cached_property
    def _revisions(self) -> dict[str, str]:
        return self._checkpoint.revisions

    def _contexts_of(self, ask: Encode, encodings: list[Tensor | None]) -> tuple[Context, ...]:
        unet = self._unet(ask.unet)
        return contexts_by_rule(
            ask.rule, unet.projection, unet.null_embedding, encodings, whole_negatives=ask.whole_negatives
        )

    def _held(self, unet: UNet, x: Tensor, t: Tensor, context: Context, guide: Guide, extras: Extras) -> Extras:
        """`extras` with what holds the rows to their structures: they are all for one net."""
        name = guide.structures[0][0].net
        size = (x.shape[-2], x.shape[-1])
        scale = torch.tensor([structure.scale for structure, rows in guide.structures for _ in range(rows)])
        if name is None:
            stem = self._unet(unet).unet
            features = self._features(unet, stem, guide.structures, size)
            scale = scale.to(features.device, features.dtype, non_blocking=True)
            return replace(extras, hint_features=features * scale[:, None, None, None])
        net = self._nets.require(name, x)
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

    def _unet(self, name: UNet, *given: Tensor) -> WholeUNet:
        return cast(WholeUNet, self._nets.require(name, *given))

    def _movq(self, *given: Tensor) -> nn.Module:
        movq = self._nets.require("movq", *given)
        if self._preview is None:
            try:
                self._preview = fit_preview(movq)
            except Exception as error:  # looks at a picture are not worth the picture
                raise_if_lost(self.device, error)
                log.warning("no previews for now: %s", error)
        return movq
