"""Reports on their way to the one who reads them: in order, except that progress waits as its latest word only."""

from __future__ import annotations

import asyncio
from collections import deque

from inference.queue.transport import JobReport
from inference.requests import Progress


class Mailbox:
    """However slow the reader is, a job takes the room of one progress report and of its few others."""

    def __init__(self) -> None:
        self._letters: deque[JobReport | int] = deque()  # a number stands for that job's latest progress
        self._progress: dict[int, JobReport] = {}
        self._filled = asyncio.Event()
        self._closed = False

    def post(self, report: JobReport) -> None:
        if isinstance(report.event, Progress):
            waiting = self._progress.get(report.job_id)
            if waiting is None:
                self._letters.append(report.job_id)
            self._progress[report.job_id] = _merged(waiting, report)
        else:
            self._letters.append(report)
        self._filled.set()

    @property
    def empty(self) -> bool:
        """Whether everything has been taken."""
        return not self._letters

    def close(self) -> None:
        """What lies here can still be taken; after that `take` returns None."""
        self._closed = True
        self._filled.set()

    async def take(self) -> JobReport | None:
        """The oldest report, waiting for one if need be; None at the end."""
        while not self._letters:
            if self._closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        letter = self._letters.popleft()
        return self._progress.pop(letter) if isinstance(letter, int) else letter


def _merged(waiting: JobReport | None, report: JobReport) -> JobReport:
    """The newer report, with the preview and the text of the one it replaces where it brings none."""
    if waiting is None or not isinstance(report.event, Progress) or not isinstance(waiting.event, Progress):
        return report
    older, newer = waiting.event, report.event
    kept = {name: getattr(older, name) for name in ("preview", "text") if getattr(newer, name) is None}
    return JobReport(job_id=report.job_id, event=newer.model_copy(update=kept))
