"""Where the studio runs, and that it says so elsewhere: in one line, before anything else is imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from inference.queue.findings import machine
from inference.queue.platforms import NEWEST, OLDEST, doubt, refusal

ROOT = Path(__file__).parents[3]
READ_BEFORE = (
    *("bot/__init__.py", "bot/__main__.py"),
    *("inference/__init__.py", "inference/__main__.py"),
    *("inference/queue/__init__.py", "inference/queue/platforms.py"),
)
PRETENCE = """
import runpy, sys
sys.platform, sys.argv = "win32", ["studio", "doctor"]
for name in ("fcntl", "resource", "termios", "pwd", "grp", "typer", "pydantic"):
    sys.modules[name] = None
runpy.run_module(ROOM, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("room", ["bot", "inference"])
def test_on_windows_a_command_ends_with_one_line_that_says_what_to_do(room: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PRETENCE.replace("ROOM", repr(room))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "WSL2" in ended.stderr and "containers" in ended.stderr


@pytest.mark.parametrize("system", ["linux", "darwin"])
@pytest.mark.parametrize("python", [OLDEST, (3, 12), NEWEST])
def test_linux_and_macos_are_served_without_a_doubt(system: str, python: tuple[int, int]) -> None:
    assert refusal(system, python) is None
    assert doubt(system, python) == ""


def test_an_older_python_is_refused_and_a_newer_one_or_another_system_is_doubted() -> None:
    assert "3.11 to 3.13; this is 3.10" in str(refusal("linux", (3, 10)))
    assert refusal("linux", (3, 14)) is None
    assert "not with 3.14" in doubt("linux", (3, 14))
    assert refusal("freebsd14", (3, 12)) is None
    assert "not on freebsd14" in doubt("freebsd14", (3, 12))


def test_the_doctor_says_what_nobody_has_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine().ok
    monkeypatch.setattr("inference.queue.findings.sys.platform", "freebsd14")
    assert machine().ok is None
    assert "freebsd14" in machine().words


@pytest.mark.parametrize("file", READ_BEFORE)
def test_what_is_read_before_that_is_no_riddle_to_an_older_python(file: str) -> None:
    """It compiles a whole file before it runs the first line of it."""
    ast.parse((ROOT / file).read_text("utf-8"), feature_version=(3, 8))
