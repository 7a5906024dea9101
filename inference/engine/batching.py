"""How asks are answered: which of them may share a pass, and how a pass is put together and taken apart again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from inference.checkpoints.catalogue import Mode
from inference.families.kandinsky.conditioning import Context, merge
from inference.families.kandinsky.pipelines.asks import (
    Ask,
    Decode,
    Denoise,
    EmbedImages,
    Encode,
    Enlarge,
    ImageTokens,
    Outline,
    Structure,
    ToLatent,
    Tools,
    ToPixels,
    Write,
    Written,
)
from inference.requests import AnyRequest, Refine, Stage, Upscale


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """What steers a pass besides the text.

    `image_tokens` [N, T, C] count `image_scale` [N] times; `structures` holds the one of each stretch of rows and how
    many rows that is, all for the same net.
    """

    image_tokens: Tensor | None = None
    image_scale: Tensor | None = None
    structures: tuple[tuple[Structure, int], ...] = ()


class Kit(Tools, Protocol):
    """The heavy nets, each behind one call. Any of them may raise torch.OutOfMemoryError or MissingWeights."""

    def contexts(self, asks: Sequence[Encode]) -> list[tuple[Context, ...]]:
        """One tuple of contexts per ask. The same text is encoded once, however often it is asked for."""

    def denoise(self, mode: Mode, x: Tensor, t: Tensor, context: Context, guide: Guide) -> Tensor:
        """Noise predictions [N, 4, h, w] of the rows x [N, 4 or 9, h, w] at timesteps t [N] under N rows of context."""

    def enlarge(self, net: Literal["x2", "x4", "flash_x2"], x: Tensor, t: Tensor, low: Tensor) -> Tensor:
        """Clean pictures [N, 3, H, W] of the windows x at timesteps t [N] over the enlarged source `low`; float32."""

    def decode(self, latent: Tensor) -> Tensor:
        """Pixels uint8 [8h, 8w, 3] on the CPU of one latent [4, h, w]."""

    def to_pixels(self, latent: Tensor) -> Tensor:
        """The same as float32 [3, 8h, 8w] in [-1, 1] on the device."""

    def to_latent(self, pixels: Tensor) -> Tensor:
        """The latent [4, H/8, W/8] of pixels [3, H, W] in [-1, 1]; float32 on the device."""

    def embed_images(self, pictures: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        """CLIP embeddings [D] of pictures uint8 [H, W, 3], of mean grey for None; each picture is looked at once."""

    def image_tokens(self, mode: Mode, embeddings: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Image prompts [1, T, C] of the U-Net of `mode`."""

    def outline(self, picture: Tensor, variant: Literal["soft", "safe", "scribble"]) -> Tensor:
        """The edge map uint8 [H, W] of a picture uint8 [H, W, 3]; each picture is looked at once."""

    def write(self, ask: Write) -> Written:
        """A few more tokens of a language model's answer."""

    def colours(self, x0: Tensor) -> Tensor | None:
        """A rough look at latents: uint8 [B, 3, h, w] on the CPU, or None while there is no cheap way."""

    def at_hand(self, ask: Ask) -> bool:
        """Whether the nets of an ask are on the device already."""

    def expect(self, asks: Sequence[Ask]) -> None:
        """Tells which asks are open, so that the nets they need are moved out last."""

    def check(self, error: Exception) -> None:
        """Raises torch.AcceleratorError when the device cannot be trusted any more after `error`. Waits for it."""

    def make_room(self) -> None:
        """Moves every net out and gives cached memory back."""


def sharing_key(ask: Ask) -> object:
    """Asks with equal keys can be answered in one pass; None shares with nobody."""
    match ask:
        case Encode():
            return "texts"
        case Denoise():
            net = None if ask.structure is None else ask.structure.control or "stem"
            tokens = ask.image_tokens[0].shape[1:] if ask.image_tokens else None
            return (ask.mode, ask.x.shape[1:], net, tokens)
        case Enlarge():
            return (ask.net, ask.x.shape[1:])
        case _:
            return None


def rows(ask: Ask | None) -> int:
    """Rows that an ask takes in a batch."""
    match ask:
        case Denoise():
            return ask.rows
        case Enlarge():
            return len(ask.x)
        case _:
            return 1


def progress_of(ask: Ask) -> int:
    """Steps that an ask counts in `pipelines.steps`: one, but how many windows are enlarged at once is a matter of
    memory."""
    return len(ask.x) if isinstance(ask, Enlarge) else 1


def stage_of(ask: Ask, request: AnyRequest) -> Stage:
    """What a person is told an ask is for."""
    match ask:
        case Encode():
            return "encoding"
        case Denoise():
            return "refining" if isinstance(request, Refine | Upscale) else "drawing"
        case Enlarge():
            return "enlarging"
        case Decode() | ToPixels():
            return "decoding"
        case Write():
            return "writing"
        case _:
            return "looking"


def answer(kit: Kit, asks: Sequence[Ask], *, room: int, lean: bool) -> list[object]:
    """Answers to asks of one sharing key, in their order; a single one may have more rows than there is `room` for.

    `lean` takes as little at a time as there can be.
    """
    match asks[0]:
        case Encode() as first:
            if lean:  # one text at a time; after that all of them are known
                for text in filter(None, first.texts):
                    kit.contexts([replace(first, texts=(text,))])
            return list(kit.contexts([ask for ask in asks if isinstance(ask, Encode)]))
        case Denoise() as first:
            if lean:
                return [_one_by_one(kit, first)]
            if first.rows > room:
                return [_in_parts(kit, first, room)]
            return list(_denoise(kit, [ask for ask in asks if isinstance(ask, Denoise)]))
        case Enlarge() as first:
            most = 1 if lean else room
            if len(first.x) > most:
                return [_window_by_window(kit, first, most)]
            return list(_enlarge(kit, [ask for ask in asks if isinstance(ask, Enlarge)]))
        case EmbedImages(pictures=pictures):
            return [tuple(kit.embed_images((one,))[0] for one in pictures) if lean else kit.embed_images(pictures)]
        case single:
            return [_single(kit, single)]


def _single(kit: Kit, ask: Ask) -> object:
    match ask:
        case Decode(latent=latent):
            return kit.decode(latent)
        case ToPixels(latent=latent):
            return kit.to_pixels(latent)
        case ToLatent(pixels=pixels):
            return kit.to_latent(pixels)
        case ImageTokens(mode=mode, embeddings=embeddings):
            return kit.image_tokens(mode, embeddings)
        case Outline(picture=picture, variant=variant):
            return kit.outline(picture, variant)
        case Write():
            return kit.write(ask)
        case _:
            raise TypeError(f"nothing here answers {type(ask).__name__}")


def _denoise(kit: Kit, asks: Sequence[Denoise]) -> list[tuple[Tensor, ...]]:
    """One pass for all asks, the halves of guidance side by side: for each ask, one prediction per context."""
    x = torch.cat([ask.x for ask in asks for _ in ask.contexts])  # [N, 4 or 9, h, w]
    t = torch.tensor([ask.t for ask in asks for _ in range(ask.rows)])  # [N]
    context = merge([context.repeat(len(ask.x)) for ask in asks for context in ask.contexts])
    eps = kit.denoise(asks[0].mode, x, t, context, _guide(asks))
    parts = iter(torch.split(eps, [len(ask.x) for ask in asks for _ in ask.contexts]))
    return [tuple(next(parts) for _ in ask.contexts) for ask in asks]


def _guide(asks: Sequence[Denoise]) -> Guide:
    """What steers the rows of `_denoise`. All asks have image tokens or none has, and so with structures."""
    tokens = [one.expand(len(ask.x), *one.shape[1:]) for ask in asks for one in ask.image_tokens]
    scales = [ask.image_scale for ask in asks for _ in range(ask.rows)]
    return Guide(
        image_tokens=torch.cat(tokens) if tokens else None,
        image_scale=torch.tensor(scales) if tokens else None,
        structures=tuple((ask.structure, ask.rows) for ask in asks if ask.structure is not None),
    )


def _enlarge(kit: Kit, asks: Sequence[Enlarge]) -> list[Tensor]:
    x, low = (torch.cat(parts) for parts in ([ask.x for ask in asks], [ask.low for ask in asks]))
    t = torch.tensor([ask.t for ask in asks for _ in ask.x])
    return list(torch.split(kit.enlarge(asks[0].net, x, t, low), [len(ask.x) for ask in asks]))


def _window_by_window(kit: Kit, ask: Enlarge, most: int) -> Tensor:
    parts = zip(torch.split(ask.x, most), torch.split(ask.low, most), strict=True)
    return torch.cat([_enlarge(kit, [replace(ask, x=x, low=low)])[0] for x, low in parts])


def _in_parts(kit: Kit, ask: Denoise, room: int) -> tuple[Tensor, ...]:
    """The answer to an ask that is too large for one pass: a few pictures at a time, each with all its contexts."""
    pictures = max(1, room // len(ask.contexts))
    answers = [_denoise(kit, [replace(ask, x=x)])[0] for x in torch.split(ask.x, pictures)]
    return tuple(torch.cat(column) for column in zip(*answers, strict=True))


def _one_by_one(kit: Kit, ask: Denoise) -> tuple[Tensor, ...]:
    """The answer with the smallest passes there are: one row each."""

    def half(context: Context, tokens: tuple[Tensor, ...]) -> Tensor:
        single = replace(ask, contexts=(context,), image_tokens=tokens)
        return torch.cat([_denoise(kit, [replace(single, x=x)])[0][0] for x in torch.split(ask.x, 1)])

    tokens: list[tuple[Tensor, ...]] = [(one,) for one in ask.image_tokens]
    return tuple(half(*both) for both in zip(ask.contexts, tokens or [()] * len(ask.contexts), strict=True))
