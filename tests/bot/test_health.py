"""`python -m bot health` and `python -m inference health`, as a container's engine asks them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.health import SILENT_SECONDS, health_of
from bot.settings import Settings
from bot.telegram.polling import PATIENCE_SECONDS
from inference.__main__ import app
from inference.queue.health import Pulse

ROOT = Path(__file__).parents[2]


def asked(folder: Path, *options: str) -> tuple[int, str]:
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "health", *options],
        env={**inherited, "PYTHONPATH": str(ROOT), "DATA_DIR": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def test_a_bot_that_stands_by_is_well_and_not_ready(tmp_path: Path) -> None:
    status, words = asked(tmp_path)
    assert status == 1 and words.startswith("no sign of life in ") and words.count("\n") == 1
    Pulse(tmp_path / "bot.health").beat("standing by", ready=False)
    status, words = asked(tmp_path)
    assert status == 0 and words.startswith("standing by, ")
    assert asked(tmp_path, "--ready")[0] == 1


def test_silence_is_more_than_two_polls_that_failed() -> None:
    assert SILENT_SECONDS > 2 * PATIENCE_SECONDS


def test_asking_costs_little() -> None:
    program = (
        "import sys, bot.__main__, bot.health; print([name for name in ('aiogram', 'numpy') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.stdout == "[]\n", ended.stderr


@pytest.mark.parametrize(("host", "words"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("localhost", "localhost")])
def test_a_door_where_nobody_opens_is_dead(host: str, words: str) -> None:
    with socket.socket() as taken:  # bound and not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        settings = Settings(
            _env_file=None,
            webhook_url="https://bot.example.org/hook",
            webhook_host=host,
            webhook_port=taken.getsockname()[1],
        )
        found = health_of(settings)
    assert not found.alive and not found.ready and found.words.startswith(f"no answer at {words}:")


def test_a_door_that_speaks_something_else_is_dead() -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:
        odd.settimeout(60)
        settings = Settings(
            _env_file=None, webhook_url="https://bot.example.org/hook", webhook_port=odd.getsockname()[1]
        )
        with subprocess.Popen([sys.executable, "-c", SPEAKS, str(odd.fileno())], pass_fds=[odd.fileno()]):
            found = health_of(settings)
    assert not found.alive and "no answer" in found.words


SPEAKS = """
import socket, sys
visitor, _ = socket.socket(fileno=int(sys.argv[1])).accept()
visitor.recv(1)
visitor.sendall(b"220 mail.example.org ESMTP\\r\\n")
visitor.close()
"""


def test_a_worker_is_well_while_its_queue_hears_it_and_ready_while_it_can_draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEALTH_FILE", str(tmp_path / "sign"))

    def exit_code(*options: str) -> int:
        return CliRunner().invoke(app, ["health", *options]).exit_code

    assert exit_code() == 1
    pulse = Pulse(tmp_path / "sign")
    pulse.beat("the weights are missing", ready=False)
    assert (exit_code(), exit_code("--ready")) == (0, 1)
    pulse.beat("4 slots", ready=True)
    assert (exit_code(), exit_code("--ready")) == (0, 0)
