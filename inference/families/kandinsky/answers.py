"""How asks are answered: how one pass for several is put together, and taken apart again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from inference.engine.asks import Ask
from inference.families.kandinsky.asks import (
    Decode,
    Denoise,
    EmbedImages,
    Encode,
    Enlarge,
    ImageTokens,
    Outline,
    Structure,
    ToLatent,
    ToPixels,
)
from inference.families.kandinsky.conditioning import Context, merge
from inference.families.kandinsky.files.catalogue import Net, UNet


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """What steers a pass besides the text.

    `image_tokens` [N, T, C] count `image_scale` [N] times; `structures` holds the one of each stretch of rows and how
    many rows that is, all for the same net.
    """

    image_tokens: Tensor | None = None
    image_scale: Tensor | None = None
    structures: tuple[tuple[Structure, int], ...] = ()


class Passes(Protocol):
    """The heavy nets, each behind one call. Any of them may raise torch.OutOfMemoryError or MissingWeights."""

    def contexts(self, asks: Sequence[Encode]) -> list[tuple[Context, ...]]:
        """One tuple of contexts per ask. The same text is encoded once, however often it is asked for."""

    def denoise(self, unet: UNet, x: Tensor, t: Tensor, context: Context, guide: Guide) -> Tensor:
        """Noise predictions [N, 4, h, w] of the rows x [N, 4 or 9, h, w] at timesteps t [N] under N rows of context."""

    def enlarge(self, net: Net, x: Tensor, t: Tensor, low: Tensor) -> Tensor:
        """Clean pictures [N, 3, H, W] of the windows x at timesteps t [N] over the enlarged source `low`; float32."""

    def decode(self, latent: Tensor) -> Tensor:
        """Pixels uint8 [8h, 8w, 3] on the CPU of one latent [4, h, w]."""

    def to_pixels(self, latent: Tensor) -> Tensor:
        """The same as float32 [3, 8h, 8w] in [-1, 1] on the device."""

    def to_latent(self, pixels: Tensor) -> Tensor:
        """The latent [4, H/8, W/8] of pixels [3, H, W] in [-1, 1]; float32 on the device."""

    def embed_images(self, pictures: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        """CLIP embeddings [D] of pictures uint8 [H, W, 3], of mean grey for None; each picture is looked at once."""

    def image_tokens(self, unet: UNet, embeddings: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Image prompts [1, T, C] of a U-Net."""

    def outline(self, picture: Tensor, variant: Literal["soft", "safe", "scribble"]) -> Tensor:
        """The edge map uint8 [H, W] of a picture uint8 [H, W, 3]; each picture is looked at once."""


def answer(passes: Passes, asks: Sequence[Ask], *, room: int, lean: bool) -> list[object]:
    """Answers to asks of one sharing key, in their order; a single one may have more rows than there is `room` for.

    `lean` takes as little at a time as there can be.
    """
    match asks[0]:
        case Encode() as first:
            if lean:  # one text at a time; after that all of them are known
                for text in filter(None, first.texts):
                    passes.contexts([replace(first, texts=(text,))])
            return list(passes.contexts([ask for ask in asks if isinstance(ask, Encode)]))
        case Denoise() as first:
            if lean:
                return [_one_by_one(passes, first)]
            if first.rows > room:
                return [_in_parts(passes, first, room)]
            return list(_denoise(passes, [ask for ask in asks if isinstance(ask, Denoise)]))
        case Enlarge() as first:
            most = 1 if lean else room
            if len(first.x) > most:
                return [_window_by_window(passes, first, most)]
            return list(_enlarge(passes, [ask for ask in asks if isinstance(ask, Enlarge)]))
        case EmbedImages(pictures=pictures):
            return [
                tuple(passes.embed_images((one,))[0] for one in pictures) if lean else passes.embed_images(pictures)
            ]
        case single:
            return [_single(passes, single)]


def _single(passes: Passes, ask: Ask) -> object:
    match ask:
        case Decode(latent=latent):
            return passes.decode(latent)
        case ToPixels(latent=latent):
            return passes.to_pixels(latent)
        case ToLatent(pixels=pixels):
            return passes.to_latent(pixels)
        case ImageTokens(unet=unet, embeddings=embeddings):
            return passes.image_tokens(unet, embeddings)
        case Outline(picture=picture, variant=variant):
            return passes.outline(picture, variant)
        case _:
            raise TypeError(f"nothing here answers {type(ask).__name__}")


def _denoise(passes: Passes, asks: Sequence[Denoise]) -> list[tuple[Tensor, ...]]:
    """One pass for all asks, the halves of guidance side by side: for each ask, one prediction per context."""
    x = torch.cat([ask.x for ask in asks for _ in ask.contexts])  # [N, 4 or 9, h, w]
    t = torch.tensor([ask.t for ask in asks for _ in range(ask.rows)])  # [N]
    context = merge([context.repeat(len(ask.x)) for ask in asks for context in ask.contexts])
    eps = passes.denoise(asks[0].unet, x, t, context, _guide(asks))
    parts = iter(torch.split(eps, [len(ask.x) for ask in asks for _ in ask.contexts]))
    return [tuple(next(parts) for _ in ask.contexts) for ask in asks]


def _guide(asks: Sequence[Denoise]) -> Guide:
    """What steers the rows of `_denoise`. All asks have image tokens or none has, and so with structures."""
    tokens = [one.expand(len(ask.x), *one.shape[1:]) for ask in asks for one in ask.image_tokens]
    scales = [scale for ask in asks for _ in ask.contexts for scale in ask.image_scales]
    return Guide(
        image_tokens=torch.cat(tokens) if tokens else None,
        image_scale=torch.tensor(scales) if tokens else None,
        structures=tuple((ask.structure, ask.rows) for ask in asks if ask.structure is not None),
    )


def _enlarge(passes: Passes, asks: Sequence[Enlarge]) -> list[Tensor]:
    x, low = (torch.cat(parts) for parts in ([ask.x for ask in asks], [ask.low for ask in asks]))
    t = torch.tensor([ask.t for ask in asks for _ in ask.x])
    return list(torch.split(passes.enlarge(asks[0].net, x, t, low), [len(ask.x) for ask in asks]))


def _window_by_window(passes: Passes, ask: Enlarge, most: int) -> Tensor:
    parts = zip(torch.split(ask.x, most), torch.split(ask.low, most), strict=True)
    return torch.cat([_enlarge(passes, [replace(ask, x=x, low=low)])[0] for x, low in parts])


def _in_parts(passes: Passes, ask: Denoise, room: int) -> tuple[Tensor, ...]:
    """The answer to an ask that is too large for one pass: a few pictures at a time, each with all its contexts."""
    pictures = max(1, room // len(ask.contexts))
    answers = [_denoise(passes, [part])[0] for part in ask.parts(pictures)]
    return tuple(torch.cat(column) for column in zip(*answers, strict=True))


def _one_by_one(passes: Passes, ask: Denoise) -> tuple[Tensor, ...]:
    """The answer with the smallest passes there are: one row each."""

    def half(context: Context, tokens: tuple[Tensor, ...]) -> Tensor:
        single = replace(ask, contexts=(context,), image_tokens=tokens)
        return torch.cat([_denoise(passes, [part])[0][0] for part in single.parts(1)])

    tokens: list[tuple[Tensor, ...]] = [(one,) for one in ask.image_tokens]
    return tuple(half(*both) for both in zip(ask.contexts, tokens or [()] * len(ask.contexts), strict=True))
