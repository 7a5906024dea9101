"""At which worker a job is drawn: where its net is at hand, then where it can be. Pure functions of what is offered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from inference.queue.transport import Assignment
from inference.queue.transport.capacity import WorkerOffer
from inference.requests import kind_in

FAR_SECONDS = 10.0  # until nets are at hand of which nothing is known


class Placed(NamedTuple):
    """An assignment and the worker that is to have it."""

    assignment: Assignment
    worker: str


class Job(Protocol):
    """What has to be known of a job to find a place for it."""

    @property
    def job_id(self) -> int: ...

    @property
    def compatibility(self) -> str: ...

    @property
    def demands(self) -> frozenset[str]: ...


class Released(Protocol):
    """A job that has been given away."""

    @property
    def job_id(self) -> int: ...

    @property
    def compatibility(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Room:
    """A worker with `free` slots. `keys` are the compatibility keys of the jobs there, `loading` the seconds until nets
    of a kind are at hand, as far as anything is known of them."""

    worker: WorkerOffer
    free: int
    keys: tuple[str, ...] = ()
    loading: Mapping[str, float] = field(default_factory=dict)


class Rooms:
    """Rooms that fill up as jobs are placed."""

    def __init__(self, given: Iterable[Room]) -> None:
        rooms = tuple(given)
        self._offers = {room.worker.name: room.worker for room in rooms}
        self._free = {room.worker.name: room.free for room in rooms}
        self._keys = {room.worker.name: Counter(room.keys) for room in rooms}
        self._loading = {room.worker.name: dict(room.loading) for room in rooms}
        self.filled_up = False  # whether the last placing has left a worker without room

    def fit(self, job: Job) -> bool:
        """Whether a worker with room can draw a job."""
        return any(self._free[name] > 0 and offer.can(job.demands) for name, offer in self._offers.items())

    @property
    def company(self) -> frozenset[str]:
        """Keys of the jobs at workers that have room for more."""
        return frozenset(key for name, keys in self._keys.items() if self._free[name] > 0 for key in keys)

    def place(self, job: Job) -> str:
        """The worker that is to have a job that fits: the one whose nets are at hand, or will be first, to the second;
        of these one that is idle, then one that can draw it in the same passes with what it has, then the one with
        least to do; of equals one that can do little else. Raises ValueError where it fits nowhere."""
        able = [name for name, offer in self._offers.items() if self._free[name] > 0 and offer.can(job.demands)]
        if not able:
            raise ValueError(f"no worker has room for job {job.job_id}")
        kind = kind_in(job.compatibility)

        def rank(name: str) -> tuple[int, bool, bool, float, int]:
            keys, card = self._keys[name], self._offers[name].card
            busy = keys.total() / (keys.total() + self._free[name])
            others = len(card.abilities) if card is not None else 2**31
            loading = round(self._loading[name].get(kind, FAR_SECONDS))
            return loading, bool(keys), job.compatibility not in keys, busy, others

        chosen = min(able, key=rank)
        self._free[chosen] -= 1
        self._keys[chosen][job.compatibility] += 1
        self._loading[chosen][kind] = 0.0
        self.filled_up = self._free[chosen] == 0
        return chosen


def rooms_of(
    workers: Sequence[WorkerOffer],
    released: Collection[Released],
    where: Callable[[int], str | None],
    drawn: Mapping[str, Collection[str]],
) -> list[Room]:
    """What is free at each worker, `where(job_id)` being the one that has a released job, if that is known. Of a worker
    that does not say itself how far its nets are those of the kinds that it has `drawn` lately are taken to be there.
    """
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for job in released:
        keys[where(job.job_id) or ""].append(job.compatibility)
    return [
        Room(
            worker,
            worker.slots - len(keys[worker.name]),
            tuple(keys[worker.name]),
            _loading(worker, drawn) | dict.fromkeys(map(kind_in, keys[worker.name]), 0.0),
        )
        for worker in workers
    ]


def _loading(worker: WorkerOffer, drawn: Mapping[str, Collection[str]]) -> dict[str, float]:
    return dict.fromkeys(drawn.get(worker.name, ()), 0.0) if worker.loading is None else worker.loading
