"""An engine without pictures: every step is a sleep, and some prompts are accidents waiting to happen.

    poison            ends the process as soon as it is inside
    hang              never says anything again
    flaky N           fails N times as a passing trouble, then succeeds
    wrong             fails for good
    half              is half done when it begins, and stays so

The pictures of a job become ready one after the other, the last one at its last step; who is stopped gives those.
All jobs inside advance one step per turn, as the real engine's do. What happens is appended to a journal.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from inference.queue.transport import Assignment, JobEvent, JobReport
from inference.queue.wire import Cancel, Drain, Hello, ParentLink, Report, Submit, die_with_parent
from inference.requests import Cancelled, Failed, Finished, Picture, Progress, Recipe, Started


@dataclass
class Run:
    assignment: Assignment
    step: int = 0


class FakeEngine:
    def __init__(self, link: ParentLink, journal: str, slots: int, steps: int, step_seconds: float) -> None:
        self.link = link
        self.journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.steps = steps
        self.step_seconds = step_seconds
        self.runs: dict[int, Run] = {}
        link.send(Hello(slots=slots, pid=os.getpid()))

    def serve(self) -> None:
        while True:
            self.obey()
            time.sleep(self.step_seconds)
            for run in list(self.runs.values()):
                self.advance(run)

    def obey(self) -> None:
        while True:
            try:
                message = self.link.inbox.get(block=not self.runs)
            except queue.Empty:
                return
            match message:
                case Submit(assignment=assignment):
                    self.begin(assignment)
                case Cancel(job_id=job_id) if job_id in self.runs:
                    run = self.runs[job_id]
                    self.end(job_id, Cancelled(pictures=self.ready(run), done=run.step / self.steps))
                case Drain() | None:
                    os._exit(0)

    def begin(self, assignment: Assignment) -> None:
        self.note("start", assignment.job_id, alone=not self.runs, told_alone=assignment.alone)
        self.runs[assignment.job_id] = Run(assignment)
        self.tell(assignment.job_id, Started())
        match assignment.request.words.split()[0]:
            case "poison":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                time.sleep(3600)
            case "half":
                self.runs[assignment.job_id].step = self.steps // 2
            case "wrong":
                self.end(assignment.job_id, Failed(code="invalid_request", message="wrong on purpose"))
            case "flaky" if self.times_started(assignment.job_id) <= int(assignment.request.words.split()[1]):
                self.end(assignment.job_id, Failed(code="internal", message="flaky on purpose", retryable=True))

    def advance(self, run: Run) -> None:
        run.step += not run.assignment.request.words.startswith("half")
        job_id = run.assignment.job_id
        self.tell(job_id, Progress(stage="drawing", step=run.step, of=self.steps, preview=b"preview"))
        if run.step == self.steps:
            self.end(job_id, Finished(pictures=self.ready(run)))

    def ready(self, run: Run) -> tuple[Picture, ...]:
        """As many pictures as there have been steps for."""
        request = run.assignment.request
        width, height = request.size
        return tuple(
            Picture(
                tile=tile,
                blob=hashlib.sha256(f"{request.words} {seed}".encode()).hexdigest(),
                width=width,
                height=height,
                recipe=Recipe(request=request, tile=tile, code_version="chaos"),
            )
            for tile, seed in enumerate(request.seeds[: run.step * len(request.seeds) // self.steps])
        )

    def end(self, job_id: int, event: JobEvent) -> None:
        step = self.runs.pop(job_id).step
        self.note("end", job_id, outcome=event.type, step=step)
        self.tell(job_id, event)

    def tell(self, job_id: int, event: JobEvent) -> None:
        self.link.send(Report(report=JobReport(job_id=job_id, event=event)))

    def note(self, what: str, job_id: int, **details: object) -> None:
        line = {"what": what, "job": job_id, "at": time.time(), "engine": os.getpid(), **details}
        os.write(self.journal, json.dumps(line).encode() + b"\n")

    def times_started(self, job_id: int) -> int:
        lines = [json.loads(line) for line in Path(f"/proc/self/fd/{self.journal}").read_text().splitlines()]
        return sum(line["what"] == "start" and line["job"] == job_id for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--journal", required=True)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--step-seconds", type=float, default=0.005)
    options = parser.parse_args()
    die_with_parent()
    FakeEngine(ParentLink(options.fd), options.journal, options.slots, options.steps, options.step_seconds).serve()


if __name__ == "__main__":
    main()
