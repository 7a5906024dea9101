from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.harness import Stage

LONG = bool(os.environ.get("CHAOS_LONG"))
JOBS = 60 if LONG else 14
SEEDS = range(5) if LONG else range(1)

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]  # it looks for processes in /proc


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def set_up(**options: Any) -> Stage:
        stages.append(Stage(tmp_path, **options))
        return stages[-1]

    yield set_up
    for each in stages:
        each.close()
