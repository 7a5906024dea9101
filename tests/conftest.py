"""The same examples on every run, so that a change is judged by what it changes (HYPOTHESIS_PROFILE=explore seeks new
ones), and the longest tests first."""

from __future__ import annotations

import gc
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import database, database_url, empty_database_url, kind_of_database, postgres_url
from tests.postgres import cluster

__all__ = ["database", "database_url", "empty_database_url", "kind_of_database", "postgres_url"]

ROOT = Path(__file__).parent

settings.register_profile("same", derandomize=True, print_blob=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# Whole programs, which mostly wait, then houses; what comes last is small, so that no worker is left alone with much.
FIRST = ("hostile", "e2e", "chaos", "characterisation", "bot/conversation", "inference/pretended", "inference/nano")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--by-webhook", action="store_true", help="in conversations, updates come by webhook")


_KEEPER = pytest.StashKey[subprocess.Popen[bytes] | None]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_KEEPER] = cluster.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    cluster.end(config.stash[_KEEPER])


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: tests also wait, for programs, for the disk and for each other."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.path.relative_to(ROOT).as_posix()))


def _rank(path: str) -> int:
    return next((rank for rank, room in enumerate(FIRST) if path.startswith(f"{room}/")), len(FIRST))


gc.disable()  # what is imported stays: the garbage collector looks at none of it, neither now nor after every test


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
