"""The device's time, divided among the jobs that share it, and what it foretells of one that has begun."""

from __future__ import annotations

OWN_PACE = 3.0  # a job that has come a third of its way may foretell its end by itself


def seconds_left(used: float, share: float, expected: float | None) -> float | None:
    """Device seconds that a job which has `used` so many for a `share` of its work will still take, the more by its own
    pace the further it has come; `expected` is what was foretold for all of it. None where nothing can be said."""
    if expected is None:
        return used / share * (1 - share) if OWN_PACE * share >= 1.0 else None
    weight = min(1.0, OWN_PACE * share**2)  # its steps are not alike: the first ones are short
    pace = used / share if share else expected
    return (1 - share) * (expected + weight * (pace - expected))


class DeviceClock:
    """Seconds of device time that each running job has taken, n jobs at once taking 1/n each.

    So the time of a job is the same whether it ran alone or in company, except for what batching gains. While weights
    are being read for it nothing is counted: how fast the disk is says nothing about the device.
    """

    def __init__(self) -> None:
        self._taken: dict[int, float] = {}
        self._held: set[int] = set()
        self._read_at = 0.0

    def enter(self, job_id: int, now: float) -> None:
        """Begins, or begins anew, to count for a job. `now` is monotonic."""
        self._advance(now)
        self._taken[job_id] = 0.0
        self._held.discard(job_id)

    def hold(self, job_id: int, now: float) -> None:
        """Stops counting for a job until `go_on`."""
        self._advance(now)
        if job_id in self._taken:
            self._held.add(job_id)

    def go_on(self, job_id: int, now: float) -> None:
        """Counts for a job again, if it was held."""
        self._advance(now)
        self._held.discard(job_id)

    def leave(self, job_id: int, now: float) -> float | None:
        """Ends the count and returns it; None for a job that never entered."""
        self._advance(now)
        self._held.discard(job_id)
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
        counted = self._taken.keys() - self._held
        for job_id in counted:
            self._taken[job_id] += (now - self._read_at) / len(counted)
        self._read_at = now
