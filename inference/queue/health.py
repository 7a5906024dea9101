"""How a program shows that it lives: it writes a small file again and again, and `… health` looks how old that is.

Times are those of the machine's monotonic clock, which all its processes share and nobody sets.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

log = logging.getLogger(__name__)

WRITE_SECONDS = 2.0
MAX_BYTES = 4096
MAX_WORDS = 300


class Sign(BaseModel):
    """What a program has said of itself last. `at` is monotonic, `ready` whether it can serve, `words` what it does;
    `by` tells this run of it from all others."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    at: Annotated[float, Field(allow_inf_nan=False)]
    ready: bool
    words: Annotated[str, Field(max_length=MAX_WORDS)]
    by: Annotated[str, Field(max_length=16)] = ""


class Health(BaseModel):
    """What whoever asks is told, on one line. Who is `ready` is `alive`; who is alive may wait for something."""

    model_config = ConfigDict(frozen=True)
    alive: bool
    ready: bool
    words: str


class Pulse:
    """The signs of life of this program, in a file of its own. That none can be written, or that another program writes
    there, is said in the log once, and harms nothing but the looks of it."""

    def __init__(self, file: Path, *, write_seconds: float = WRITE_SECONDS) -> None:
        self._file = file
        self._write_seconds = write_seconds
        self._last: Sign | None = None
        self._by = secrets.token_hex(4)
        self._complained = self._shares = False

    def beat(self, words: str, *, ready: bool = True) -> None:
        """Says it. What is said again within two seconds of the last time needs no writing."""
        sign = Sign(at=time.monotonic(), ready=ready, words=words[:MAX_WORDS], by=self._by)
        last = self._last
        if (
            last is not None
            and sign.at - last.at < self._write_seconds
            and (last.words, last.ready) == (sign.words, ready)
        ):
            return
        if last is not None and not self._shares and self._overwritten():
            log.warning("another program writes to %s, too; HEALTH_FILE gives each a file of its own", self._file)
            self._shares = True
        try:
            self._write(sign)
        except OSError as refused:
            if not self._complained:
                log.warning("no sign of life can be written to %s: %s", self._file, refused.strerror)
            self._complained = True
            return
        self._last, self._complained = sign, False

    def stop(self) -> None:
        """Takes the sign away, if it is ours: who has ended is not alive for a while yet."""
        if self._overwritten():
            return
        try:
            self._file.unlink(missing_ok=True)
        except OSError as refused:
            log.warning("the sign of life %s stays: %s", self._file, refused.strerror)

    def _overwritten(self) -> bool:
        """Whether the sign that is there is another program's."""
        try:
            return _read(self._file).by != self._by
        except (OSError, ValidationError):  # there is none, as far as anybody can tell
            return False

    def _write(self, sign: Sign) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        beside.write_text(sign.model_dump_json(), "utf-8")
        beside.replace(self._file)


def look(file: Path, patience_seconds: float) -> Health:
    """How the program is that writes this file: dead where there is no sign, or the last is older than the patience."""
    try:
        sign = _read(file)
    except FileNotFoundError:
        return _dead(f"no sign of life in {file}: it has not begun yet, or has ended")
    except OSError as refused:
        return _dead(f"{file} cannot be read: {refused.strerror}")
    except ValidationError:
        return _dead(f"{file} holds no sign of life")
    age = time.monotonic() - sign.at
    if age < 0:
        return _dead(f"the last sign of life in {file} is from before this machine started")
    said = f"{sign.words}, {age:.0f} s ago"
    if age > patience_seconds:
        return _dead(f"silent for longer than {patience_seconds:.0f} s; last: {said}")
    return Health(alive=True, ready=sign.ready, words=said)


def _read(file: Path) -> Sign:
    """Raises OSError and ValidationError."""
    with file.open("rb") as opened:
        return Sign.model_validate_json(opened.read(MAX_BYTES))


def _dead(words: str) -> Health:
    return Health(alive=False, ready=False, words=words)
