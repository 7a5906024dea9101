"""The nets of a checkpoint at the engine's service: loaded when first asked for, moved as memory demands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from inference.blobs import BlobMissing, decode_png
from inference.checkpoints.catalogue import UNET_OF_MODE, Mode
from inference.checkpoints.load import Checkpoint, LoadedUNet
from inference.checkpoints.store import PROJECTION_OF
from inference.conditioning import Context, EncodingCache, TokenIds, Tokens, null_context, project, tokenize
from inference.memory import DevicePolicy, Residency
from inference.nets.fast_movq import broadcast_spatial_norms
from inference.nets.movq import decode, to_uint8
from inference.nets.preview import Preview, fit_preview
from inference.nets.unet import denoise
from inference.pipelines import Ask, Decode, Denoise, Encode

TEXT, MOVQ = "text", "movq"  # names of nets; a U-Net with what belongs to it goes by its mode
UNET_MAPS_ALIVE = 12  # widest feature maps of one pass, in copies of the first level; measured on the released nets
MOVQ_MAPS_ALIVE = 10
MOST_WINDOWS = 8
SR_MAP_BYTES_PER_PIXEL = 4 * 128 * 2
TEXT_ACTIVATIONS = 200_000_000


def _no_blobs(digest: str) -> bytes:
    raise BlobMissing(digest)


class CheckpointKit:
    """The engine's `Kit` over a checkpoint.

    `read_blob(digest)` gives the bytes of the pictures that requests work from.
    `before_loading(net, size)` is called before weights are read from disk, with the bytes of their files,
    `before_encoding()` before texts that are not known yet go through the encoder. `budget` limits the bytes on the
    device; by default its free memory is measured.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        policy: DevicePolicy,
        *,
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
        self._encodings = EncodingCache()
        self._preview: Preview | None = None
        self._device_nets = Residency(self._load, policy.device, size=self.size, budget=budget)
        apart = policy.text_device != policy.device
        self._text_nets = Residency(self._load, policy.text_device) if apart else self._device_nets

    @property
    def device(self) -> torch.device:
        return self._policy.device

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the nets on the device now."""
        return self._device_nets.resident

    def tokenize(self, text: str) -> Tokens:
        if self._tokenizer is None:
            self._tokenizer = self._checkpoint.load_tokenizer()
        return tokenize(self._tokenizer, text)

    def picture(self, digest: str) -> Tensor:
        return torch.from_numpy(np.array(decode_png(self._read_blob(digest))))  # [H, W, 3] or [H, W]

    def windows_at_once(self, height: int, width: int) -> int:
        free = self._device_nets.free()
        window = SR_MAP_BYTES_PER_PIXEL * height * width
        return max(1, min(MOST_WINDOWS, int(free / 2 / window))) if free != float("inf") else 1

    def contexts(self, asks: Sequence[Encode]) -> list[tuple[Context, ...]]:
        texts = list(dict.fromkeys(ids for ask in asks for ids in ask.texts if ids is not None))

        def encoder() -> nn.Module:
            net = self._text_encoder()
            self._before_encoding()
            return net

        encodings = dict(zip(texts, self._encodings.encode(texts, encoder), strict=True))
        return [self._contexts_of(ask, encodings) for ask in asks]

    def denoise(self, mode: Mode, x: Tensor, t: Tensor, context: Context) -> Tensor:
        unet = self._unet(mode, lambda net: _unet_activations(net, x)).unet
        eps: Tensor = denoise(
            unet, x, t.to(self.device, non_blocking=True), context.rows, context.mask, context.pool_len
        )
        return eps

    def decode(self, latent: Tensor) -> Tensor:
        movq = self._movq(lambda net: _movq_activations(net, latent))
        pixels: Tensor = to_uint8(decode(movq, latent[None]))[0]  # [3, 8h, 8w]
        return pixels.permute(1, 2, 0).contiguous().cpu()

    def colours(self, x0: Tensor) -> Tensor | None:
        return None if self._preview is None else self._preview(x0).cpu()

    def at_hand(self, ask: Ask) -> bool:
        return all(name in self.resident for name in self._nets_of(ask))

    def expect(self, asks: Sequence[Ask]) -> None:
        self._device_nets.expect({name for ask in asks for name in self._nets_of(ask)})

    def make_room(self) -> None:
        self._device_nets.make_room()

    def warm(self, modes: Iterable[str]) -> None:
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
        files = self._checkpoint.files
        if name == TEXT:
            folder = files.text_encoder
            return sum(path.stat().st_size for path in folder.glob("*model*")) if folder else 0
        parts = [MOVQ] if name == MOVQ else [unet := UNET_OF_MODE[cast(Mode, name)], PROJECTION_OF[unet]]
        paths: list[Path] = [files.nets[part] for part in parts if part in files.nets]
        return sum(path.stat().st_size for path in paths)

    def _contexts_of(self, ask: Encode, encodings: dict[TokenIds, Tensor]) -> tuple[Context, ...]:
        unet = self._unet(ask.mode)
        return tuple(
            null_context(unet.null_embedding) if ids is None else project(unet.projection, encodings[ids])
            for ids in ask.texts
        )

    def _nets_of(self, ask: Ask) -> tuple[str, ...]:
        if isinstance(ask, Encode):
            known = all(ids is None or self._encodings.get(ids) is not None for ids in ask.texts)
            return (ask.mode,) if known or self._text_nets is not self._device_nets else (TEXT, ask.mode)
        if isinstance(ask, Denoise):
            return (ask.mode,)
        return (MOVQ,) if isinstance(ask, Decode) else ()

    def _text_encoder(self) -> nn.Module:
        return self._text_nets.require(TEXT, lambda net: TEXT_ACTIVATIONS if self.device.type != "cpu" else 0)

    def _unet(self, mode: Mode, activations: Callable[[nn.Module], int] = lambda net: 0) -> _UNet:
        net = self._device_nets.require(mode, activations)
        assert isinstance(net, _UNet)
        return net

    def _movq(self, activations: Callable[[nn.Module], int] = lambda net: 0) -> nn.Module:
        movq = self._device_nets.require(MOVQ, activations)
        if self._preview is None:
            self._preview = fit_preview(movq)
        return movq

    def _load(self, name: str, device: torch.device) -> nn.Module:
        self._before_loading(name, self.size(name))
        if name == TEXT:
            return self._checkpoint.load_encoder(self._policy.text, device)
        if name == MOVQ:
            movq: Any = self._checkpoint.load_movq(self._policy.movq, device)
            broadcast_spatial_norms(movq)
            # Its convolutions run a fifth faster with channels last; those of the U-Net do not gain.
            return cast(nn.Module, movq.to(memory_format=torch.channels_last))
        return _UNet(self._checkpoint.load_unet(UNET_OF_MODE[cast(Mode, name)], self._policy.unet, device))


class _UNet(nn.Module):
    """A U-Net and what belongs to it as one module, so that they move together."""

    null_embedding: Tensor

    def __init__(self, loaded: LoadedUNet) -> None:
        super().__init__()
        self.unet = loaded.unet
        self.projection = loaded.projection
        self.register_buffer("null_embedding", loaded.null_embedding)


def _unet_activations(net: nn.Module, x: Tensor) -> int:
    """Bytes that a pass over x [N, 4, h, w] takes besides the weights."""
    weight: Any = net.get_parameter("unet.conv_out.weight")
    width = 2 * weight.shape[1]
    return int(UNET_MAPS_ALIVE * width * x.shape[0] * x.shape[2] * x.shape[3] * weight.element_size())


def _movq_activations(net: nn.Module, latent: Tensor) -> int:
    """Bytes that decoding one latent [4, h, w] takes besides the weights."""
    weight: Any = net.get_parameter("decoder.conv_out.weight")
    return int(MOVQ_MAPS_ALIVE * weight.shape[1] * 64 * latent.shape[1] * latent.shape[2] * weight.element_size())
