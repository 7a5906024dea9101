"""What a wheel of the project brings along: enough to run without the repository, migrations included."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MIGRATE = """
import asyncio
from bot.store import migration
from inference.queue.database import open_database
asyncio.run(migration.upgrade(open_database("sqlite+aiosqlite:///studio.db")))
print(migration.__file__)
"""
REVISIONS = {path.name for path in (ROOT / "migrations" / "versions").glob("*.py")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the sources, without the weights of the embedded model, which only take time."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("bot", "inference", "migrations"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    made = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True, timeout=100)
    assert made.returncode == 0, made.stderr
    return next(out.glob("*.whl"))


def test_a_wheel_migrates_a_database_by_itself(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        packed.extractall(tmp_path / "site")
    assert {f"migrations/versions/{name}" for name in REVISIONS} | {"migrations/env.py"} <= names
    assert not any(name.startswith(("tests/", "benchmarks/", "docker/", "docs/")) for name in names)
    ended = subprocess.run(
        [sys.executable, "-c", MIGRATE],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr
    assert Path(ended.stdout.strip()).is_relative_to(tmp_path / "site")
    database = sqlite3.connect(tmp_path / "studio.db")
    [(revision,)] = database.execute("SELECT version_num FROM alembic_version").fetchall()
    database.close()
    assert revision == max(REVISIONS)[:4]


@pytest.mark.parametrize("name", ["bot/texts/locales/ru/LC_MESSAGES/bot.po", "bot/playground/static/index.html"])
def test_what_is_no_code_travels_too(wheel: Path, name: str) -> None:
    assert name in zipfile.ZipFile(wheel).namelist()
