"""The second half of Flash x2: detail drawn over by the Flash U-Net, through MoVQ and back, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inference.engine.asks import Ask
from inference.families.kandinsky.asks import Denoise, ToLatent, ToPixels
from inference.families.kandinsky.conditioning import Context
from inference.families.kandinsky.pipelines.enlarging import CHANNELS, Noise
from inference.families.kandinsky.pipelines.parts import LATENT_CHANNELS
from inference.families.kandinsky.sampling import flash_renoise, flash_x0
from inference.families.kandinsky.sampling.inpainting import DOWNSCALE
from inference.families.kandinsky.sampling.superres import refine_coefficients
from inference.families.kandinsky.sampling.windows import View, count_windows, stitch, tiles, windows

Make = Callable[[View], Generator[Ask, Any, Tensor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """Tiles of `size` by `size` results, overlapping by a share of it.

    The published code overlaps by `published_overlap` and leaves a picture no larger than one tile whole, unless
    `published_always`.
    """

    size: int
    overlap: float
    published_overlap: float
    published_always: bool = False

    def count(self, height: int, width: int, *, published: bool) -> int:
        if published:
            return sum(map(len, self._tiles(height, width)))
        return count_windows(height, width, self.size, self._stride)

    def assemble(
        self, make: Make, channels: int, height: int, width: int, device: torch.device, *, published: bool
    ) -> Generator[Ask, Any, Tensor]:
        """The result [channels, height, width] on `device`, of which `make` gives the part under any view.

        Neighbours fade into each other over their whole overlap and no tile is smaller than the others; `published`
        has tiles cut off at the edges, blended in order.
        """
        if published:
            rows: list[list[Tensor]] = []
            for row in self._tiles(height, width):
                made = []
                for view in row:
                    made.append((yield from make(view)).to(device))  # noqa: PERF401 - a comprehension cannot yield
                rows.append(made)
            blend = int(self.size * self.published_overlap)
            return stitch(rows, blend, self.size - blend if len(rows) * len(rows[0]) > 1 else self.size)
        picture = torch.zeros(channels, height, width, device=device)
        for window in [one.to(device) for one in windows(height, width, self.size, self._stride, "ramp")]:
            window.add_to(picture, (yield from make(window.view)))
        return picture

    @property
    def _stride(self) -> int:
        return self.size - int(self.size * self.overlap)

    def _tiles(self, height: int, width: int) -> list[list[View]]:
        if max(height, width) <= self.size and not self.published_always:
            return [[View(0, 0, height, width)]]
        return tiles(height, width, self.size, self.size - int(self.size * self.published_overlap))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refiner:
    """Encoding, refining and decoding: sizes in latents, but in pixels where pixels are made.

    The published code encodes without overlap, which shows as seams; an eighth is enough to hide them.
    """

    encode: Tiling = Tiling(size=128, overlap=0.125, published_overlap=0.0)
    refine: Tiling = Tiling(size=352, overlap=0.25, published_overlap=0.25, published_always=True)
    decode: Tiling = Tiling(size=1024, overlap=0.25, published_overlap=0.25)

    def count(self, height: int, width: int, *, published: bool) -> int:
        """Asks for a picture of height x width pixels."""
        h, w = height // DOWNSCALE, width // DOWNSCALE
        latent = (tiling.count(h, w, published=published) for tiling in (self.encode, self.refine))
        return sum(latent) + self.decode.count(height, width, published=published)

    def latent(self, picture: Tensor, device: torch.device, *, published: bool) -> Generator[Ask, Any, Tensor]:
        """The latent [4, H/8, W/8] on `device` of `picture` [3, H, W]."""

        def make(view: View) -> Generator[Ask, Any, Tensor]:
            latent: Tensor = yield ToLatent(view.times(DOWNSCALE).of(picture).to(device))
            return latent

        h, w = (side // DOWNSCALE for side in picture.shape[-2:])
        return (yield from self.encode.assemble(make, LATENT_CHANNELS, h, w, device, published=published))

    def refined(
        self, latent: Tensor, context: Context, noise: Noise, *, published: bool
    ) -> Generator[Ask, Any, Tensor]:
        """`latent` after one step of Kandinsky 3.1 Flash under the context of no words.

        One field of noise serves all tiles, so that neighbours imagine the same detail; the published code draws noise
        for each tile and averages what comes of it.
        """
        step, (h, w) = refine_coefficients(), latent.shape[-2:]
        field = None if published else noise.next((LATENT_CHANNELS, h, w)).to(latent.device, non_blocking=True)

        def make(view: View) -> Generator[Ask, Any, Tensor]:
            if field is None:
                fresh = noise.next((LATENT_CHANNELS, view.height, view.width)).to(latent.device, non_blocking=True)
            else:
                fresh = view.of(field)
            x = flash_renoise(view.of(latent), fresh, step)[None]
            (eps,) = yield Denoise("flash", x, step.t, (context,), stage="refining")
            return flash_x0(x, eps, step)[0]

        return (yield from self.refine.assemble(make, LATENT_CHANNELS, h, w, latent.device, published=published))

    def pixels(self, latent: Tensor, device: torch.device, *, published: bool) -> Generator[Ask, Any, Tensor]:
        """The picture [3, 8h, 8w], nominally in [-1, 1], on `device`."""

        def make(view: View) -> Generator[Ask, Any, Tensor]:
            pixels: Tensor = yield ToPixels(view.over(DOWNSCALE).of(latent))
            return pixels

        height, width = (side * DOWNSCALE for side in latent.shape[-2:])
        return (yield from self.decode.assemble(make, CHANNELS, height, width, device, published=published))
