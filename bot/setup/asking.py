"""Questions to whoever sets the studio up: in a terminal, or to nobody, where flags and what is there answer."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

Answer = TypeVar("Answer")
Read = Callable[[str], Answer]  # what an answer means; raises ValueError, which says what is wrong with it


class SetupError(Exception):
    """Why setting up cannot go on, in one line that says what to do, without a secret."""


def valid(kind: Any, said: str) -> Any:
    """What pydantic makes of an answer. Raises ValueError with one line."""
    try:
        return TypeAdapter(kind).validate_python(said)
    except ValidationError as wrong:
        reason = wrong.errors(include_input=False, include_url=False)[0]["msg"]
        raise ValueError(reason.removeprefix("Value error, ")) from None


class Asking(Protocol):
    """All raise SetupError where there is no answer to be had."""

    def ask(self, question: str, default: str, read: Read[Answer], flag: str) -> Answer:
        """What somebody answers; `default` is shown, and taken when nothing is said. `flag` says it without asking."""
        ...

    def secret(self, question: str, read: Read[Answer], flag: str) -> Answer:
        """The same for what must not be seen on the screen; "" may be an answer."""
        ...

    def agree(self, question: str) -> bool:
        """Whether they say yes, which is the default."""
        ...


class Terminal:
    """Asks until the answer can be used."""

    def ask(self, question: str, default: str, read: Read[Answer], flag: str) -> Answer:
        shown = f"{question} [{default}]: " if default else f"{question}: "
        return self._until_read(lambda: input(shown).strip() or default, read)

    def secret(self, question: str, read: Read[Answer], flag: str) -> Answer:
        return self._until_read(lambda: getpass.getpass(f"{question}: ").strip(), read)

    def agree(self, question: str) -> bool:
        return self.ask(f"{question} (yes or no)", "yes", _yes_or_no, "--yes")

    @staticmethod
    def _until_read(say: Callable[[], str], read: Read[Answer]) -> Answer:
        while True:
            try:
                return read(say())
            except ValueError as wrong:
                print(f"  {wrong}")
            except EOFError:
                raise SetupError("No more answers came; nothing further was changed.") from None


class Nobody:
    """Takes every default, and agrees to everything: so `--yes` says."""

    def ask(self, question: str, default: str, read: Read[Answer], flag: str) -> Answer:
        try:
            return read(default)
        except ValueError as wrong:
            raise SetupError(f"{flag}: {wrong}") from None

    def secret(self, question: str, read: Read[Answer], flag: str) -> Answer:
        return self.ask(question, "", read, flag)

    def agree(self, question: str) -> bool:
        return True


def _yes_or_no(said: str) -> bool:
    words = {"y": True, "yes": True, "д": True, "да": True, "n": False, "no": False, "н": False, "нет": False}
    if said.lower() not in words:
        raise ValueError("yes or no?")
    return words[said.lower()]
