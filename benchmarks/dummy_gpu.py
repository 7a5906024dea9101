"""An engine whose device is a clock: a job takes so many seconds of it, nets that are not at hand take longer.

One job is drawn after the other, as a card does that a single job fills. What the device did is written down at the end
of each job, one JSON object a line.
"""

from __future__ import annotations

import json
import os
import queue
import time
from pathlib import Path
from typing import Annotated

import typer

from inference.queue.transport import Assignment, JobEvent, JobReport
from inference.queue.wire import Cancel, Drain, Hello, ParentLink, Report, Submit, configured, die_with_parent
from inference.requests import Ability, Cancelled, Finished, ModelCard, Started, Texts

SLOTS = 4
NETS_AT_HAND = 1


class DummyGpu:
    """Draws what it is told in order; `loading_seconds` are for a net that was not used last. `weights` are the kinds
    that each worker can draw, by its number."""

    def __init__(
        self, link: ParentLink, weights: list[list[str]], seconds: float, loading_seconds: float, journal: Path
    ) -> None:
        self._link, self._seconds, self._loading, self._journal = link, seconds, loading_seconds, journal
        self._at_hand: list[str] = []
        self._waiting: list[Assignment] = []
        self._number = configured(link.inbox.get()).options.number
        kinds = weights[self._number % len(weights)]
        card = ModelCard(label=Texts(ru="часы", en="clock"), abilities=dict.fromkeys(kinds, Ability()))
        link.send(Hello(slots=SLOTS, card=card, pid=os.getpid()))

    def serve(self) -> None:
        while True:
            self._obey()
            if self._waiting:
                self._draw(self._waiting.pop(0))

    def _obey(self) -> None:
        while True:
            try:
                message = self._link.inbox.get(block=not self._waiting)
            except queue.Empty:
                return
            match message:
                case Submit(assignment=assignment):
                    self._waiting.append(assignment)
                case Cancel(job_id=job_id):
                    self._waiting = [one for one in self._waiting if one.job_id != job_id]
                    self._tell(job_id, Cancelled(done=0.0))
                case Drain() | None:
                    os._exit(0)

    def _draw(self, assignment: Assignment) -> None:
        self._tell(assignment.job_id, Started())
        kind, began = assignment.request.kind, time.monotonic()
        loads = kind not in self._at_hand
        time.sleep(self._seconds + (self._loading if loads else 0.0))
        self._at_hand = [kind, *(other for other in self._at_hand if other != kind)][:NETS_AT_HAND]
        line = {"job": assignment.job_id, "kind": kind, "busy": time.monotonic() - began, "loads": loads}
        with self._journal.open("a") as file:
            file.write(json.dumps({"worker": self._number, **line}) + "\n")
        self._tell(assignment.job_id, Finished())

    def _tell(self, job_id: int, event: JobEvent) -> None:
        self._link.send(Report(report=JobReport(job_id=job_id, event=event)))


def main(
    fd: Annotated[int, typer.Option()],
    weights: Annotated[str, typer.Option()],
    seconds: Annotated[float, typer.Option()],
    journal: Annotated[Path, typer.Option()],
    loading_seconds: Annotated[float, typer.Option()] = 0.0,
) -> None:
    die_with_parent()
    kinds = [each.split(",") for each in weights.split("/")]
    DummyGpu(ParentLink(fd), kinds, seconds, loading_seconds, journal).serve()


if __name__ == "__main__":
    typer.run(main)
