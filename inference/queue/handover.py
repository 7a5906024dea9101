"""Handing jobs to workers, and telling these to stop, so that of two at the same moment neither misses the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from inference.queue.transport import Assignment, Delivery


class Handover:
    """State: what was called off lately, and until when workers may answer for what they are to stop.

    `stop_seconds` is how long that is from the first time that one was told; a restart begins it anew.
    """

    def __init__(self, delivery: Delivery, stop_seconds: float, monotonic: Callable[[], float]) -> None:
        self._delivery = delivery
        self._stop_seconds = stop_seconds
        self._now = monotonic
        self._called_off: set[int] = set()
        self._stop_by: dict[int, float] = {}
        self._one_at_a_time = asyncio.Lock()

    def __contains__(self, job_id: int) -> bool:
        """Whether a worker has been told to stop this job and has not answered."""
        return job_id in self._stop_by

    def call_off(self, job_id: int) -> None:
        """A job that was cancelled in the ledger is not handed over, even if that has released it before."""
        self._called_off.add(job_id)

    async def submit(self, assignment: Assignment, worker: str) -> None:
        async with self._one_at_a_time:
            if assignment.job_id not in self._called_off:
                await self._delivery.submit(assignment, worker)

    async def stop(self, job_id: int) -> bool:
        """Tells the worker of a job to stop it, however often. False where none has it, or one has for too long."""
        stop_by = self._stop_by.setdefault(job_id, self._now() + self._stop_seconds)
        async with self._one_at_a_time:
            await self._delivery.cancel(job_id)
            known = await self._delivery.known()
        return (known is None or job_id in known) and self._now() < stop_by

    def forget(self, job_id: int) -> None:
        """Its worker has answered, or will not."""
        self._stop_by.pop(job_id, None)

    def compared(self, stopping: Collection[int]) -> None:
        """The ledger says that no other jobs are stopping, and nothing is on its way to a worker."""
        self._called_off.clear()
        for job_id in self._stop_by.keys() - stopping:
            self.forget(job_id)
