"""How fast the device is: its time, divided among the jobs that share it."""

from __future__ import annotations

SMOOTHING = 0.2


def blend(known: float | None, measured: float) -> float:
    """An exponential moving average; the first measurement counts in full."""
    return measured if known is None else known + SMOOTHING * (measured - known)


class DeviceClock:
    """Seconds of device time that each running job has taken, n jobs at once taking 1/n each.

    So the speed of a job is the same whether it ran alone or in company, except for what batching gains.
    """

    def __init__(self) -> None:
        self._taken: dict[int, float] = {}
        self._read_at = 0.0

    def enter(self, job_id: int, now: float) -> None:
        """Begins, or begins anew, to count for a job. `now` is monotonic."""
        self._advance(now)
        self._taken[job_id] = 0.0

    def leave(self, job_id: int, now: float) -> float | None:
        """Ends the count and returns it; None for a job that never entered."""
        self._advance(now)
        return self._taken.pop(job_id, None)

    def _advance(self, now: float) -> None:
        if self._taken:
            share = (now - self._read_at) / len(self._taken)
            for job_id in self._taken:
                self._taken[job_id] += share
        self._read_at = now
