"""Lines in the log of any of our processes: each says which jobs it is about, as text or as JSON, and shows no secret.

Jobs are noted where they are taken in hand (`about`); whatever is logged on their behalf from there, by whichever
module, carries their ids, also in the tasks that begin there. A thread begins with none.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

from inference.queue.redaction import redact

Form = Literal["text", "json"]

_in_hand: ContextVar[tuple[int, ...]] = ContextVar("jobs_in_hand", default=())


@contextmanager
def about(*job_ids: int) -> Iterator[None]:
    """Inside, every line is about these jobs and no others."""
    token = _in_hand.set(job_ids)
    try:
        yield
    finally:
        _in_hand.reset(token)


def of_job(job_id: int | None) -> dict[str, tuple[int, ...]]:
    """The same for one line: what a call of a logger takes as its `extra`. None is a job that nobody can tell."""
    return {"jobs": () if job_id is None else (job_id,)}


def log_to(handler: logging.Handler, process: str, level: str, form: Form = "text", *, names: bool = False) -> None:
    """Sends everything from this level on to a handler, warnings and uncaught errors included; replaces earlier ones.

    `process` is which of our programs speaks; with `names` a line of text names the module instead.
    """
    handler.setFormatter(JsonLines(process) if form == "json" else TextLines(process, names=names))
    handler.addFilter(_note_jobs)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


def log_as(process: str, level: str, form: Form = "text") -> None:
    """`log_to` the standard error."""
    log_to(logging.StreamHandler(), process, level.upper(), form)


class TextLines(logging.Formatter):
    """One line for people, tracebacks below it. Works on what is finished, so that no secret gets past it."""

    def __init__(self, process: str, *, names: bool = False) -> None:
        said = "%(levelname)-7s %(name)s" if names else f"%(levelname)s {process}"
        super().__init__(f"%(asctime)s {said}: %(about)s%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        jobs = _jobs_of(record)
        numbers = ", ".join(map(str, jobs))
        record.about = f"[job{'s' if len(jobs) > 1 else ''} {numbers}] " if jobs else ""
        return redact(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, process, logger, message; where they apply, jobs (a list of ids) and
    error (the traceback). Secrets go before the quotes come."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._process,
            "logger": redact(record.name),
            "message": redact(record.getMessage()),
        }
        if jobs := _jobs_of(record):
            said["jobs"] = list(jobs)
        error = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        if error or record.stack_info:
            said["error"] = redact("\n".join(filter(None, (error, record.stack_info))))
        return json.dumps(said, ensure_ascii=False)


def _note_jobs(record: logging.LogRecord) -> bool:
    """While the line is being said: it may be written later, and elsewhere."""
    if not hasattr(record, "jobs"):
        record.jobs = _in_hand.get()
    return True


def _jobs_of(record: logging.LogRecord) -> tuple[int, ...]:
    return getattr(record, "jobs", ())


def _log_uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("studio").critical("stopped by an error", exc_info=(kind, error, where))
