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

collect_ignore_glob = [] if LONG else ["test_more_faults.py"]
if sys.platform != "linux":  # the stage looks for processes in /proc
    collect_ignore_glob.append("test_*.py")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def set_up(**options: Any) -> Stage:
        stages.append(Stage(tmp_path, **options))
        return stages[-1]

    yield set_up
    for each in stages:
        each.close()
