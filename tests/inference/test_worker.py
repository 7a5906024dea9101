"""What a worker must be told, and what it does with it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.settings import Settings
from inference.__main__ import app
from inference.queue.options import WorkerOptions
from inference.queue.wire import Cancel, Configure, Trouble, decode_up, encode
from inference.requests import FlashTextToImage, Rewrite
from inference.worker.remote import RemoteError, remote_settings

ROOT = Path(__file__).parents[2]
PROGRAMS = ("inference.worker", "inference.child")


def answer_of(program: str, first: bytes) -> tuple[Trouble, str]:
    """The last words of a worker or engine child after such a first line, and its log."""
    ours, theirs = socket.socketpair()
    ours.sendall(first)
    command = [sys.executable, "-m", program, "--fd", str(theirs.fileno())]
    ended = subprocess.run(
        command,
        pass_fds=[theirs.fileno()],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    theirs.close()
    with ours, ours.makefile("rb") as lines:
        words = decode_up(lines.readlines()[-1])
    assert isinstance(words, Trouble)
    return words, ended.stdout + ended.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_option_of_another_version_is_refused_by_its_name_and_no_value_is_shown(program: str) -> None:
    options = {**WorkerOptions(blobs_url="memory://studio:geheim@store/x").model_dump(mode="json"), "colour": "geheim"}
    words, log = answer_of(program, json.dumps({"type": "configure", "options": options}).encode() + b"\n")
    assert "same version" in words.why and "colour" in words.why
    assert "colour" in log
    assert "geheim" not in words.why + log


def test_a_worker_that_is_given_work_before_its_options_says_what_it_needs() -> None:
    words, log = answer_of("inference.worker", encode(Cancel(job_id=1)))
    assert "no options" in words.why and "no options" in log


def test_a_person_who_starts_a_worker_is_told_who_does_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, ["worker"])
    assert ran.exit_code == 2 and "python -m bot" in ran.output and "QUEUE_URL" in ran.output


@pytest.mark.parametrize(
    ("queue", "names"),
    [
        ("redis://:geheim@host", "QUEUE_URL_FILE"),
        ("redis://geheim@host", "QUEUE_URL_FILE"),
        ("unix:///run/redis.sock?password=geheim", "QUEUE_URL_FILE"),
        ("http://geheim", "redis://host:6379"),
        ("redis://", "redis://host:6379"),
        ("redis://host:geheim", "redis://host:6379"),
        ("redis://[geheim", "redis://host:6379"),
        ("unix://", "redis://host:6379"),
    ],
)
def test_an_address_that_cannot_be_or_that_tells_a_password_is_refused_and_not_repeated(queue: str, names: str) -> None:
    ran = CliRunner().invoke(app, ["worker", "--queue", queue])
    assert ran.exit_code == 2 and names in ran.output and "geheim" not in ran.output


def test_a_worker_elsewhere_is_told_by_its_own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "address").write_text("redis://:geheim@host:6379/1\n")
    (tmp_path / ".env").write_text("WORKER_SLOTS=3\nDATA_DIR=/srv/studio\nBOT_TOKEN=none of its business\n")
    monkeypatch.setenv("QUEUE_URL_FILE", str(tmp_path / "address"))
    settings = remote_settings(None)
    assert settings.queue_url == "redis://:geheim@host:6379/1" and "geheim" not in repr(settings)
    assert settings.options.worker_slots == 3 and settings.options.blobs_url == "/srv/studio/blobs"
    assert settings.options.weights_dir == Path("/srv/studio/weights")
    (tmp_path / "address").write_text("redis://one redis://two")
    with pytest.raises(RemoteError, match=r"^QUEUE_URL_FILE: .* one line"):
        remote_settings(None)
    (tmp_path / ".env").write_bytes("DATA_DIR=/srv/студия".encode("cp1251"))
    with pytest.raises(RemoteError, match=r"^\.env: .*UTF-8"):
        remote_settings("redis://host")
    (tmp_path / ".env").write_text("WORKER_SLOTS=geheim")
    with pytest.raises(RemoteError, match=r"^WORKER_SLOTS: not a usable value: [^\n]*$") as told:
        remote_settings("redis://host")
    assert "geheim" not in str(told.value)


def test_words_are_given_up_sooner_than_pictures_but_never_later() -> None:
    words = Rewrite(kind="beautify", prompt="a fox", seeds=(1,))
    picture = FlashTextToImage(prompt="a fox", seeds=(1,))
    patient = WorkerOptions(job_timeout_minutes=10, rewrite_timeout_seconds=90)
    hasty = WorkerOptions(job_timeout_minutes=1, rewrite_timeout_seconds=90)
    assert [options.seconds_for(words) for options in (patient, hasty)] == [90, 60]
    assert [options.seconds_for(picture) for options in (patient, hasty)] == [600, 60]


def test_what_the_owner_sets_is_what_the_worker_is_told(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, worker_slots=2, net_dtypes="movq=bfloat16 unet=float16")
    options = WorkerOptions.of(settings)
    assert options.worker_slots == 2 and options.weights_dir == tmp_path / "weights"
    assert options.blobs_url == str(tmp_path / "blobs")
    assert options.formats == {"movq": "bfloat16", "unet": "float16"}
    assert Configure(options=options) == Configure.model_validate_json(encode(Configure(options=options)))


def test_a_doctor_is_told_by_the_environment_and_of_no_secret(tmp_path: Path) -> None:
    told = WorkerOptions(weights_dir=tmp_path, language_4bit=True, blobs_url="memory://studio:geheim@store/x")
    environment = told.to_environment()
    assert "geheim" not in str(environment)
    assert WorkerOptions.from_environment(environment) == told.model_copy(update={"blobs_url": "data/blobs"})


def test_what_can_be_drawn_is_told_without_torch(tiny_folder: Path) -> None:
    program = (
        "import sys, inference.worker.process\n"
        "from inference.engine.family import card_of\n"
        "from inference.families import FAMILIES\n"
        "from inference.queue.options import WorkerOptions\n"
        f"options = WorkerOptions(weights_dir={str(tiny_folder)!r}, beautifier='none', translator='none')\n"
        "print(card_of(FAMILIES, options).kinds)\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'diffusers', 'transformers')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "('flash', 'full', 'refine')\n"), done.stderr
