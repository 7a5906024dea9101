"""The jobs that are being drawn: at which worker each is, how long it has had the device there, how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from inference.queue.recent import Recent
from inference.queue.speeds import DeviceClock, seconds_left
from inference.requests import Progress, kind_in

KINDS_AT_HAND = 3  # nets of so many kinds are taken to be at hand where they were used last
MOST_WORKERS = 256


class _Run(NamedTuple):
    worker: str
    expected: float | None  # device seconds


class Running:
    """Seen to start and not to end. Each worker's device has a clock of its own; `monotonic` is the time of all."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._runs: dict[int, _Run] = {}
        self._clocks: Recent[str, DeviceClock] = Recent(MOST_WORKERS)
        self._drawn: Recent[str, Recent[str, None]] = Recent(MOST_WORKERS)

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._runs

    @property
    def drawn(self) -> dict[str, frozenset[str]]:
        """The kinds that each worker has drawn last."""
        return {worker: frozenset(kinds) for worker, kinds in self._drawn.items()}

    def handed(self, worker: str, compatibility: str) -> None:
        """A job of this key goes to a worker."""
        if worker not in self._drawn:
            self._drawn[worker] = Recent(KINDS_AT_HAND)
        self._drawn[worker][kind_in(compatibility)] = None

    def begin(self, job_id: int, worker: str | None, expected: float | None) -> None:
        """A job has started at a worker, and should take so many seconds of its device."""
        name = worker or ""
        self._runs[job_id] = _Run(name, expected)
        if name not in self._clocks:
            self._clocks[name] = DeviceClock()
        self._clocks[name].enter(job_id, self._now())

    def progressed(self, job_id: int, progress: Progress) -> float | None:
        """Takes in how far a job has come. Returns the seconds until it is through, None where that is not known."""
        run, clock, now = self._runs[job_id], self._clock(job_id), self._now()
        if clock is None:
            return None
        if progress.stage == "loading":
            clock.hold(job_id, now)
            return None
        clock.go_on(job_id, now)
        left = seconds_left(clock.taken(job_id, now), share(progress), run.expected)
        return None if left is None else left * clock.sharing

    def stop(self, job_id: int) -> float | None:
        """Ends the count for a job. Returns its device seconds; None for one that was not seen to start."""
        clock, now = self._clock(job_id), self._now()
        if clock is None:
            return None
        clock.hold(job_id, now)
        return clock.taken(job_id, now)

    def forget(self, job_id: int) -> None:
        if (clock := self._clock(job_id)) is not None:
            clock.leave(job_id, self._now())
        self._runs.pop(job_id, None)

    def _clock(self, job_id: int) -> DeviceClock | None:
        run = self._runs.get(job_id)
        return None if run is None else self._clocks.get(run.worker)


def share(progress: Progress) -> float:
    """The done part of a job, from 0 to 1."""
    return min(1.0, progress.step / max(1, progress.of))
