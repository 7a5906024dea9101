"""One job inside the engine: its pipeline, what it asks next, and what has been seen of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from inference.engine.asks import Ask, Pipeline
from inference.engine.finite import NotFinite, all_finite
from inference.engine.kit import Kit, PipelineSpec
from inference.requests import Note, Request, Stage


@dataclass(slots=True, eq=False)
class Run:
    """Changed by the engine alone, one turn after the other."""

    job_id: int
    request: Request
    kit: Kit
    spec: PipelineSpec
    pipeline: Pipeline
    alone: bool
    looked_at: float  # when its last preview was made
    work: float = 0.0  # of the whole request, in megapixel passes
    of: int = 1  # steps it will count
    step: int = 0
    ask: Ask | None = None
    passed_over: int = 0
    lean: bool = False
    retried: Ask | None = None  # did not fit, and has had its second try
    laps: list[tuple[Any, Any, float]] = field(default_factory=list)  # start, end and its share of every pass
    estimate: Tensor | None = None
    sound: dict[tuple[tuple[str, ...], torch.device], Tensor] = field(default_factory=dict)  # not looked at yet
    trouble: NotFinite | None = None  # why it is drawn once more in float32
    notes: list[Note] = field(default_factory=list)
    ready: dict[int, Tensor] = field(default_factory=dict)  # whole pictures by tile

    @property
    def remaining(self) -> float:
        """Work still to do, in megapixel passes."""
        return self.work * (1 - self.step / self.of)

    @property
    def rows(self) -> int:
        """Rows that its ask takes in a batch."""
        return 1 if self.ask is None else self.ask.rows

    def watch(self, ask: Ask, answered: object) -> None:
        """Has the device find out whether an answer is made of numbers."""
        for device, sound in all_finite(answered).items():
            place = (ask.nets, device)
            self.sound[place] = self.sound[place] & sound if place in self.sound else sound

    def unsound(self) -> tuple[str, ...]:
        """The nets that were the first to give numbers that are none. Waits for the device."""
        for (nets, _device), sound in self.sound.items():
            if not sound:
                return nets
        return ()

    @property
    def stage(self) -> Stage:
        """What a person is told that it is doing."""
        return "drawing" if self.ask is None else self.ask.stage

    @property
    def key(self) -> object:
        """Asks of runs with equal keys can be answered in one pass; None shares with nobody."""
        if self.alone or self.lean or self.ask is None or self.ask.key is None:
            return None
        return (self.kit, self.ask.key)
