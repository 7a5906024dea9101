"""`.env` read and written: what setup does not change stays to the letter, and nobody else may read the file."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from inference.queue.redaction import redact

MOST_BYTES = 1_000_000
NEW = "# Settings of the studio; .env.example beside the program describes every one.\n"
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|_KEY$")
_PLAIN = re.compile(r"[\w./:@,+=-]*", re.ASCII)


class EnvFileError(Exception):
    """Why `.env` cannot be read or written, in one line without a secret."""


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that gets another value. `before` is None where it was not set, `after` where it is taken out."""

    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """One line for people, no secret in it."""
        if self.before is None:
            return f"+ {self.name}={_shown(self.name, self.after)}"
        if self.after is None:
            return f"- {self.name} (was {_shown(self.name, self.before)})"
        return f"~ {self.name}: {_shown(self.name, self.before)} becomes {_shown(self.name, self.after)}"


class EnvFile:
    """State: the file as it was read. One that is not there is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve() if path.is_symlink() else path
        self._text = _read(self._path)

    @property
    def values(self) -> dict[str, str]:
        """What is set, by names in capitals, as the program reads it; empty ones count as not set."""
        found = dotenv_values(stream=io.StringIO(self._text))
        return {name.upper(): value for name, value in found.items() if value}

    def changes(self, wanted: Mapping[str, str | None]) -> list[Change]:
        """What `write` would change; None as a value takes a setting out."""
        had = self.values
        return [Change(name, had.get(name), after) for name, after in wanted.items() if had.get(name) != after]

    def write(self, wanted: Mapping[str, str | None]) -> None:
        """Gives these settings these values and leaves every other line as it is. The file is whole at any moment and
        for its owner alone. Raises EnvFileError."""
        text = self._with({change.name: change.after for change in self.changes(wanted)})
        read = {name.upper(): value for name, value in dotenv_values(stream=io.StringIO(text)).items()}
        for name, value in wanted.items():
            if (read.get(name) or None) != value:
                raise EnvFileError(f"{name}: a value with such signs cannot be kept in {self._path}")
        try:
            _replace(self._path, text)
        except OSError as refused:
            raise EnvFileError(f"{self._path} cannot be written: {refused.strerror}") from None
        self._text = text

    def _with(self, changed: Mapping[str, str | None]) -> str:
        bindings = list(parse_stream(io.StringIO(self._text)))
        last = {_name(binding): place for place, binding in enumerate(bindings)}
        lines = list(_kept(bindings, changed, last))
        text = "".join(lines) or NEW
        if not text.endswith("\n"):
            text += "\n"
        fresh = (f"{name}={_quoted(value)}\n" for name, value in changed.items() if value and name not in last)
        return text + "".join(fresh)


def _kept(bindings: list[Binding], changed: Mapping[str, str | None], last: Mapping[str, int]) -> Iterator[str]:
    """The lines of a file with new values in them; of a setting that stands there twice the last place counts."""
    for place, binding in enumerate(bindings):
        name, original = _name(binding), binding.original.string
        if name not in changed:
            yield original
            continue
        yield original[: len(original) - len(original.lstrip())]  # empty lines before it
        value = changed[name]
        if value is not None and place == last[name]:
            yield f"{name}={_quoted(value)}\n"


def _name(binding: Binding) -> str:
    return "" if binding.key is None else binding.key.upper()


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _shown(name: str, value: str | None) -> str:
    return "(hidden)" if _SECRET.search(name) else redact(value or "")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return ""
    except OSError as refused:
        raise EnvFileError(f"{path} cannot be read: {refused.strerror}") from None
    if len(content) > MOST_BYTES:
        raise EnvFileError(f"{path} is larger than any file of settings")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise EnvFileError(f"{path} is not UTF-8 text") from None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=".env.", dir=path.parent)  # 0600, as mkstemp makes them
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
