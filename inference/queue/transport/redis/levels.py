"""What workers were given against what they say they hold: whatever differs for long enough is put right."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from inference.queue.transport.redis.offer import Offer

BEATS_UNTIL_LOST = 3
BEATS_UNTIL_STRAY = 2


class Differences(NamedTuple):
    """`lost` jobs are at no worker; each of `strays`, (life, job), is at one to which it was not given."""

    lost: list[int]
    strays: list[tuple[str, int]]


class Levels:
    """Counts in how many offers of a life, one after the other, something was amiss: an order or a report may be on its
    way during one. No event has to arrive for this to come right in the end."""

    def __init__(self) -> None:
        self._amiss: dict[tuple[str, int], tuple[int, int]] = {}  # (life, job) -> last beat looked at, beats amiss

    def compare(
        self, assigned: Mapping[int, str], ended: Collection[int], offers: Mapping[str, Offer], *, silent_are_gone: bool
    ) -> Differences:
        """`ended` jobs have told their end, which has not been handled yet. Workers without an offer are given up only
        where the `silent_are_gone`."""
        before, self._amiss = self._amiss, {}
        lost: list[int] = []
        for job_id, life in assigned.items():
            if job_id in ended:
                continue
            offer = offers.get(life)
            if offer is None:
                if silent_are_gone:
                    lost.append(job_id)
            elif job_id not in offer.held and self._beats(before, life, job_id, offer) >= BEATS_UNTIL_LOST:
                lost.append(job_id)
        strays = [
            (life, job_id)
            for life, offer in offers.items()
            for job_id in sorted(offer.held)
            if assigned.get(job_id) != life and self._beats(before, life, job_id, offer) >= BEATS_UNTIL_STRAY
        ]
        return Differences(lost, strays)

    def _beats(self, before: Mapping[tuple[str, int], tuple[int, int]], life: str, job_id: int, offer: Offer) -> int:
        """In how many offers this has been so after the first one, at which an order may not have been read yet."""
        beat, times = before.get((life, job_id), (offer.beat, 0))
        times += beat != offer.beat
        self._amiss[life, job_id] = (offer.beat, times)
        return times
