"""How a mosaic is painted."""

from __future__ import annotations

import torch
from torch import Tensor

from inference.engine.asks import Drawing, Pipeline, Ready, Show, Tools
from inference.engine.kit import PipelineSpec
from inference.requests import Request
from tests.inference.families.toy.asks import Paint, Read
from tests.inference.families.toy.nets import COLOURS, WORDS
from tests.inference.families.toy.requests import SIDE, TILE, Mosaic

TILES = SIDE * SIDE
PALETTE = torch.tensor([[255 * (c >> bit & 1) for bit in range(3)] for c in range(COLOURS)], dtype=torch.uint8)


def mosaic(request: Mosaic, tools: Tools) -> Pipeline:
    """One mosaic per seed, tile by tile; the colour of each is a lot of the seed."""
    begun: Tensor = yield Read(request.prompt.encode() or b" ")
    pictures = []
    for number, seed in enumerate(request.seeds):
        lots = torch.rand(TILES, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
        tiles, state, last = torch.zeros(TILES, dtype=torch.int64), begun, 0
        for place, lot in enumerate(lots):
            likely, state = yield Paint(WORDS + last, state)
            last = int(torch.searchsorted(likely.cumsum(0), lot).clamp(max=COLOURS - 1))
            tiles[place] = last
            if place % SIDE == SIDE - 1:
                yield Show(tiles.clone())
        pictures.append(picture_of(tiles))
        yield Ready(number, pictures[-1])
    return Drawing(tuple(pictures))


def mosaic_steps(request: Mosaic) -> int:
    return 1 + TILES * len(request.seeds)


def picture_of(tiles: Tensor) -> Tensor:
    """Pixels uint8 [H, W, 3] of the colours of all tiles."""
    square = PALETTE[tiles].view(SIDE, SIDE, 3)
    return square.repeat_interleave(TILE, 0).repeat_interleave(TILE, 1)


PIPELINES: dict[type[Request], PipelineSpec] = {Mosaic: PipelineSpec(mosaic, mosaic_steps)}
