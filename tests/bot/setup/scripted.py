"""Somebody who has thought about their answers before."""

from __future__ import annotations

from collections import deque

import pytest

from bot.setup.asking import Terminal


class Scripted(Terminal):
    """A terminal in which these answers are typed, one after the other; what it says of them is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.left = deque(answers)
        self.questions: list[str] = []

        def typed(question: str) -> str:
            self.questions.append(question)
            return self.left.popleft()

        monkeypatch.setattr("builtins.input", typed)
