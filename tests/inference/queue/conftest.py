from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass
class Clock:
    """Time that stands still until a test moves it."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
