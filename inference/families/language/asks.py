"""What a pipeline may ask of a language model, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inference.engine.asks import Ask
from inference.families.language.cleanup import answer
from inference.families.language.files import Task
from inference.requests import Stage

TokenIds = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """All ids of an answer up to now, the text they make, and whether it has ended by itself."""

    ids: TokenIds
    text: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Write(Ask):
    """A few more tokens of the language model's answer to `prompt`, after `so_far` (token ids it gave before).

    Answer: a `Written`.
    """

    task: Task
    prompt: str
    seed: int
    so_far: TokenIds = ()

    @property
    def stage(self) -> Stage:
        return "writing"

    def words(self, written: Any) -> str:
        return answer(written.text)
