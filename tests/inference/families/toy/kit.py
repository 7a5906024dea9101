"""The toy at the engine's service."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.checkpoints.folders import MissingWeights
from inference.engine.kit import Kit, PipelineSpec
from inference.engine.nets import Nets, NetSpec
from inference.requests import Request
from tests.inference.families.toy.asks import Read
from tests.inference.families.toy.nets import WIDTH, read_painter
from tests.inference.families.toy.pipelines import PALETTE, PIPELINES
from tests.inference.families.toy.requests import SIDE

JOURNAL = "passes.txt"  # beside the weights: a line a pass, with its rows


class ToyKit(Kit):
    def __init__(self, weights: Path | None, nets: Nets) -> None:
        self._weights = weights
        self._nets = nets
        if weights is not None:
            load = partial(read_painter, weights)
            nets.register([NetSpec(name="painter", bytes=weights.stat().st_size, load=load, device=nets.device)])

    @property
    def pipelines(self) -> dict[type[Request], PipelineSpec]:
        return PIPELINES

    def answer(self, asks: Sequence[Any], *, room: int, lean: bool) -> list[object]:
        if self._weights is None:
            raise MissingWeights("nobody here can paint")
        painter = self._nets.require("painter")
        with (self._weights.parent / JOURNAL).open("a") as journal:
            print(type(asks[0]).__name__, len(asks), file=journal)
        if isinstance(asks[0], Read):
            state = torch.zeros(0, 2 * WIDTH, dtype=torch.double, device=self._nets.device)
            for byte in asks[0].text:
                _, (state,) = painter(self._tokens([byte]), [state])
            return [state]
        likely, states = painter(self._tokens([ask.last for ask in asks]), [ask.state for ask in asks])
        return list(zip(likely.cpu(), states, strict=True))

    def colours(self, x0: Tensor) -> Tensor | None:
        return PALETTE[x0].view(1, SIDE, SIDE, 3).permute(0, 3, 1, 2)

    def revisions(self, request: Request) -> dict[str, str]:
        return {"painter": "of today"}

    def _tokens(self, ids: list[int]) -> Tensor:
        return torch.tensor(ids).to(self._nets.device)
