"""No text that fits a message keeps the bot from its other people."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from bot.modes.better_words.rewriting import difference
from bot.prompt import TooMuch, UnknownStyle, grammar, parse
from bot.texts.i18n import speaking

CPU_SECONDS = 30  # of some thousand looks; a single bad one takes minutes


def test_every_look_at_every_long_text_comes_to_an_end() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.bot.prompt.long_texts"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS)),
    )
    assert run.returncode == 0, run.stderr or "it took longer than all of them together may"


def test_a_style_of_two_thousand_words_is_looked_up_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(grammar, "find_style", asked.append)
    with pytest.raises(UnknownStyle):
        parse("--style " + "a " * 2000)
    assert len(asked) < 10


def test_dashes_by_the_hundred_are_punctuation_and_not_looked_up_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def looks_known(name: str, meant: object) -> bool:
        asked.append(name)
        return False

    monkeypatch.setattr(grammar, "_looks_known", looks_known)
    assert parse("—word " * 600).prompt
    assert len(asked) <= grammar.MOST_PARAMETERS


def test_parameters_by_the_hundred_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "_READERS", {})
    with pytest.raises(TooMuch):
        parse("a fox " + "--n 1 " * 600)
    with pytest.raises(TooMuch):
        parse("a fox " * 10_000)


def test_texts_of_very_many_words_are_told_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("difflib.SequenceMatcher", None)
    with speaking("en"):
        assert "<s>" not in difference("a b " * 250, "b a " * 250)
