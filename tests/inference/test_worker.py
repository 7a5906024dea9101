"""The worker's command line: what of it reaches the engine."""

from __future__ import annotations

import os

import pytest
from typer.testing import CliRunner

from inference import worker
from inference.__main__ import app
from inference.engine_parent import EngineOptions
from inference.requests import FlashTextToImage, Rewrite


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[EngineOptions]:
    """The options of every worker that would have run."""
    seen: list[EngineOptions] = []

    async def run_worker(fd: int, options: EngineOptions, **rest: object) -> None:
        seen.append(options)

    monkeypatch.setattr(worker, "run_worker", run_worker)
    monkeypatch.setattr(worker, "die_with_parent", lambda: None)
    return seen


def test_number_formats_reach_the_engine_from_the_environment(started: list[EngineOptions]) -> None:
    ran = CliRunner().invoke(app, ["worker", "--fd", "3"], env={"NET_DTYPES": "movq=bfloat16 unet=float16"})
    assert ran.exit_code == 0, ran.output
    [options] = started
    words = list(options.engine)
    assert [words[at + 1] for at, word in enumerate(words) if word == "--dtype"] == ["movq=bfloat16", "unet=float16"]


def test_unless_told_otherwise_the_engine_chooses_its_formats(started: list[EngineOptions]) -> None:
    CliRunner().invoke(app, ["worker", "--fd", "3", "--no-previews", "--job-timeout", "60"])
    assert "--dtype" not in started[0].engine and "--no-previews" in started[0].engine
    assert started[0].job_timeout_seconds == 60


def test_words_are_given_up_sooner_than_pictures_but_never_later(started: list[EngineOptions]) -> None:
    words = Rewrite(kind="beautify", prompt="a fox", seeds=(1,))
    picture = FlashTextToImage(prompt="a fox", seeds=(1,))
    CliRunner().invoke(app, ["worker", "--fd", "3", "--job-timeout", "600", "--rewrite-timeout", "90"])
    CliRunner().invoke(app, ["worker", "--fd", "3", "--job-timeout", "60", "--rewrite-timeout", "90"])
    assert [options.seconds_for(words) for options in started] == [90, 60]
    assert [options.seconds_for(picture) for options in started] == [600, 60]


def test_where_the_pictures_are_goes_by_the_environment_because_it_may_hold_a_password(
    started: list[EngineOptions],
) -> None:
    address = "memory://studio:geheim@store/x"
    ran = CliRunner().invoke(app, ["worker", "--fd", "3"], env={"BLOBS_URL": address})
    assert ran.exit_code == 0, ran.output
    assert "geheim" not in " ".join(started[0].engine)
    assert started[0].environment == {"BLOBS_URL": address}
    assert "BLOBS_URL" not in os.environ


def test_the_language_models_reach_the_engine(started: list[EngineOptions]) -> None:
    chosen = ["--beautifier", "none", "--translator", "a/b", "--four-bit"]
    CliRunner().invoke(app, ["worker", "--fd", "3", *chosen])
    assert " ".join(chosen) in " ".join(started[0].engine)
