"""How fast the device is: its time, divided among the jobs that share it, and what that foretells."""

from __future__ import annotations

SMOOTHING = 0.2
OWN_PACE = 3.0  # a job that has come a third of its way foretells its end by itself


def blend(known: float, measured: float, times: int) -> float:
    """An average of the `times` measured before and this one; from the fifth on it moves along exponentially."""
    return known + max(SMOOTHING, 1 / (times + 1)) * (measured - known)


def seconds_left(used: float, share: float, expected: float | None) -> float | None:
    """Device seconds that a job which has `used` so many for a `share` of its work will still take, the more by its own
    pace the further it has come; `expected` is what was foretold for all of it. None where nothing can be said."""
    weight = min(1.0, OWN_PACE * share)
    if expected is None:
        return used / share * (1 - share) if weight == 1.0 else None
    pace = used / share if share else expected
    return (1 - share) * (expected + weight * (pace - expected))


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

    def taken(self, job_id: int, now: float) -> float:
        """What the count of a job has come to; 0 where there is none."""
        self._advance(now)
        return self._taken.get(job_id, 0.0)

    @property
    def sharing(self) -> int:
        """How many jobs share the device just now."""
        return len(self._taken)

    def _advance(self, now: float) -> None:
        if self._taken:
            share = (now - self._read_at) / len(self._taken)
            for job_id in self._taken:
                self._taken[job_id] += share
        self._read_at = now
