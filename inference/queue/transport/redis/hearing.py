"""What an entry among the reports says. Whoever may write to the server may write anything there."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from inference.queue.logs import of_job
from inference.queue.transport import JobId, JobReport
from inference.queue.transport.redis.keys import life_in, line_in
from inference.queue.wire import MAX_LINE_BYTES, Report, UpMessage, WireError, decode_up
from inference.requests import Failed

log = logging.getLogger(__name__)

_JOB_ID: TypeAdapter[int] = TypeAdapter(JobId)


def heard(fields: Mapping[bytes, bytes]) -> tuple[str, UpMessage] | None:
    """Who says it and what; None for what nobody can have meant.

    A line that cannot be understood ends its job if it was to end it, and no more than that.
    """
    life, line = life_in(fields.get(b"life")), line_in(fields, MAX_LINE_BYTES)
    if life is None or line is None:
        log.warning("an entry among the reports that is none of a worker's; passed over")
        return None
    try:
        return life, decode_up(line)
    except WireError as why:
        job_id, kind = _about(line)
        log.warning("worker %s cannot be understood, about job %s: %s", life, job_id, why, extra=of_job(job_id))
        if job_id is None or kind in ("started", "progress"):
            return None
        failure = Failed(code="internal", message=f"the worker's report cannot be understood: {why}")
        return life, Report(report=JobReport(job_id=job_id, event=failure))


def job_of_order(line: bytes) -> int | None:
    """The job that an order to draw is about, as far as can be told of one that is not understood."""
    try:
        order = json.loads(line)
        return _number(order["assignment"]["job_id"]) if order["type"] == "submit" else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _about(line: bytes) -> tuple[int | None, str | None]:
    """Which job a report is of and what it says, as far as can be told."""
    try:
        report = json.loads(line)["report"]
        job_id, kind = report["job_id"], report["event"].get("type")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None, None
    return _number(job_id), kind if isinstance(kind, str) else None


def _number(value: object) -> int | None:
    try:
        return _JOB_ID.validate_python(value, strict=True)
    except ValidationError:
        return None
