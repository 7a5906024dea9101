"""Signs of life in a file, and what whoever looks at them is told."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
import typer

from inference.queue import health
from inference.queue.health import Pulse, Sign, look
from inference.worker.health import health_command
from inference.worker.remote import remote_settings

PATIENCE = 30.0


def test_who_beats_is_alive_and_ready_until_it_stops(tmp_path: Path) -> None:
    file = tmp_path / "made" / "bot.health"
    pulse = Pulse(file)
    pulse.beat("Telegram has answered")
    found = look(file, PATIENCE)
    assert found.alive and found.ready and found.words == "Telegram has answered, 0 s ago"
    pulse.stop()
    assert not look(file, PATIENCE).alive
    assert list(file.parent.iterdir()) == [], "nothing half written stays"


def test_who_waits_is_alive_and_not_ready_and_a_change_is_told_at_once(tmp_path: Path) -> None:
    pulse = Pulse(tmp_path / "x")
    pulse.beat("standing by", ready=False)
    assert (look(tmp_path / "x", PATIENCE).alive, look(tmp_path / "x", PATIENCE).ready) == (True, False)
    pulse.beat("standing by", ready=True)
    assert look(tmp_path / "x", PATIENCE).ready


def test_what_is_said_again_at_once_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("inference.queue.health.time.monotonic", lambda: now)
    pulse = Pulse(tmp_path / "x")
    pulse.beat("here")
    first = (tmp_path / "x").stat().st_mtime_ns
    pulse.beat("here")
    assert (tmp_path / "x").stat().st_mtime_ns == first
    now += health.WRITE_SECONDS
    pulse.beat("here")
    assert Sign.model_validate_json((tmp_path / "x").read_bytes()).at == now


def sign(at: float) -> bytes:
    return Sign(at=at, ready=True, words="here").model_dump_json().encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (-PATIENCE - 1, "silent for longer than 30 s; last: here"),
        (1000, "from before this machine started"),
        (b"", "holds no sign of life"),
        (b'{"at": "NaN", "ready": true, "words": "here"}', "holds no sign of life"),
        (b'{"at": 1e999, "ready": true, "words": "here"}', "holds no sign of life"),
        (b"[" * 10_000, "holds no sign of life"),
        (b"\xff\xfe", "holds no sign of life"),
        (None, "it has not begun yet, or has ended"),
    ],
)
def test_an_old_sign_or_none_is_no_life(tmp_path: Path, content: bytes | float | None, words: str) -> None:
    if content is not None:  # a number: so many seconds from now
        (tmp_path / "x").write_bytes(content if isinstance(content, bytes) else sign(time.monotonic() + content))
    found = look(tmp_path / "x", PATIENCE)
    assert not found.alive and not found.ready and words in found.words


def test_a_folder_is_no_sign_of_life(tmp_path: Path) -> None:
    assert "cannot be read" in look(tmp_path, PATIENCE).words


def test_a_place_that_takes_nothing_is_told_once_and_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    pulse = Pulse(tmp_path / "file" / "x")
    with caplog.at_level(logging.WARNING):
        pulse.beat("here")
        pulse.beat("here")
    assert len(caplog.records) == 1 and "no sign of life can be written" in caplog.text
    pulse.stop()
    (tmp_path / "file").unlink()
    pulse.beat("here")
    assert look(tmp_path / "file" / "x", PATIENCE).alive


def test_two_that_write_to_one_file_say_so_once_and_none_takes_the_other_s_sign_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = Pulse(tmp_path / "x", write_seconds=0.0), Pulse(tmp_path / "x", write_seconds=0.0)
    with caplog.at_level(logging.WARNING):
        one.beat("one")
        one.beat("one")
        assert not caplog.records
        for _ in range(3):
            other.beat("other")
            one.beat("one")
    assert [record.getMessage().partition(" to ")[0] for record in caplog.records] == ["another program writes"] * 2
    other.stop()
    assert look(tmp_path / "x", PATIENCE).words.startswith("one")
    one.stop()
    assert not (tmp_path / "x").exists()


def test_each_card_of_a_machine_has_a_sign_of_its_own_and_health_answers_for_the_one_that_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    def answer(device: str) -> tuple[int, str]:
        monkeypatch.setenv("DEVICE", device)
        with pytest.raises(typer.Exit) as ended:
            health_command(ready=False)
        return ended.value.exit_code, capsys.readouterr().out

    for device, others in (("cuda:0", ""), ("cuda:1", "(beside it, by another DEVICE: worker-0.health)")):
        code, said = answer(device)
        assert code == 1 and said.strip().endswith(others or "has ended")
        Pulse(remote_settings(None).sign_of_life).beat(f"heard on {device}")
    assert answer("cuda:0") == (0, "heard on cuda:0, 0 s ago\n")
    assert answer("cuda:1") == (0, "heard on cuda:1, 0 s ago\n")
    code, said = answer("auto")
    assert code == 1 and said.strip().endswith("(beside it, by another DEVICE: worker-0.health, worker-1.health)")
    monkeypatch.setenv("HEALTH_FILE", str(tmp_path / "worker-1.health"))
    assert answer("auto")[0] == 0
