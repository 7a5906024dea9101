"""What `lint-imports` cannot see: what is really loaded when a program starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = "import sys; sys.modules.update(dict.fromkeys({absent}))"


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("bot.app, bot.doctor", ("torch", "diffusers", "transformers", "inference.engine", "inference.families")),
        ("inference.worker.process", ("torch", "diffusers", "transformers", "aiogram", "bot")),
        ("inference.child.serving", ("aiogram", "bot")),
    ],
)
def test_a_program_starts_where_what_it_may_not_know_is_not_installed(program: str, absent: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", f"{BLOCKED.format(absent=absent)}; import {program}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
