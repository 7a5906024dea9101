"""The house of the conversation suite, held so still that the same flow always leads to the same transcript."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.jobs import status
from bot.playground import Playground
from inference.blobs import BlobStore
from inference.queue.transport import Assignment
from tests.bot.conversation.conftest import House
from tests.bot.conversation.painter import Painter

NEVER = 86_400.0  # seconds


class Easel(Painter):
    """Reports nothing before it is told to, so that nothing is drawn while a press or a message is being handled."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.told = asyncio.Event()
        self.steps = 0  # a preview would come or not, as the machine is fast or slow

    async def _paint(self, assignment: Assignment) -> None:
        await self.told.wait()
        await super()._paint(assignment)


class StillHouse(House):
    """A house whose painter waits to be told."""

    painter: Easel

    def new_painter(self) -> Easel:
        easel = Easel(BlobStore(str(self.folder / "blobs")))
        if hasattr(self, "painter"):
            easel.card, easel.answers, easel.steps = self.painter.card, self.painter.answers, self.painter.steps
        return easel

    @property
    def database(self) -> Path:
        return self.folder / "studio.db"


def still_house(playground: Playground, folder: Path, patch: pytest.MonkeyPatch, **options: Any) -> StillHouse:
    patch.setattr(status, "STOPPING_SECONDS", NEVER)  # whether it is said depends on how busy this machine is
    return StillHouse(playground, folder, patch, options)


@dataclass
class Seeds:
    """Seeds as 1000, 1100, 1200… in the first act, from 2000 in the second: what one act draws shifts no other."""

    act: int = 0
    drawn: int = 0

    def next_act(self) -> None:
        self.act, self.drawn = self.act + 1, 0

    def draw(self, *_bounds: int) -> int:
        self.drawn += 1
        return 1000 * self.act + 100 * (self.drawn - 1)


@contextmanager
def counted_seeds() -> Iterator[tuple[Seeds, pytest.MonkeyPatch]]:
    """For as long as this lasts no seed is left to chance."""
    seeds = Seeds()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random.SystemRandom, "randrange", lambda self, *bounds: seeds.draw(*bounds))
        yield seeds, patch
