"""Whose job is next, and what that means for those who wait: pure functions of what the ledger knows.

Start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) among persons: a picked job moves its owner's virtual time on
by cost / weight, and the person with the lowest virtual time is next. Classes stand above that: a job's class is its
priority, raised one step per `ageing_seconds` of waiting, at most to the highest priority anybody waits with. So
nobody starves below a stream of better jobs, and among equals age alone never undoes the fair order.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from inference.queue.fleet import Fleet
from inference.queue.placing import Room, Rooms
from inference.queue.transport import WorkerOffer


@dataclass(frozen=True, slots=True)
class Limits:
    """What the queue grants. Times in seconds; `retry_seconds` doubles with each retry of a job."""

    waiting_per_person: int = 3
    running_per_person: int = 1
    queue_cap: int = 100
    max_wait_seconds: float = 30 * 60
    ageing_seconds: float = 5 * 60
    look_ahead: int = 32
    max_overtakes: int = 8
    retries: int = 3
    retry_seconds: float = 5.0
    attempts: int = 10
    lone_crashes: int = 3


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job in the queue. `since` is when it joined, `overtaken` how often look-ahead has passed it over, `demands`
    what its worker must have."""

    job_id: int
    owner_id: int
    cost: float
    compatibility: str
    priority: int = 0
    since: float = 0.0
    suspect: bool = False
    overtaken: int = 0
    developed: float = 0.0
    drawings: int = 1
    demands: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Share:
    """A person's account: weighted work served so far, and the weight it is divided by."""

    virtual_time: float = 0.0
    weight: float = 1.0

    def charged(self, cost: float) -> Share:
        return Share(self.virtual_time + cost / self.weight, self.weight)


@dataclass(frozen=True, slots=True)
class InFlight:
    """A job that has been released; `remaining` is the part of its cost that is still to be done, `undeveloped` that of
    the megapixels to be developed, and `undrawn` are the drawings that are not whole."""

    job_id: int
    owner_id: int
    compatibility: str
    remaining: float
    undeveloped: float = 0.0
    undrawn: int = 1


@dataclass(frozen=True, slots=True)
class Pick:
    """A job to release next, and the one that would have been first had look-ahead not preferred this."""

    job: Waiting
    overtook: Waiting | None = None
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a waiting person can expect.

    `place` counts from 1, `work_ahead` is in megapixel passes (running jobs included), `eta_seconds` is the time until
    the pictures are there; None while nothing has been measured, no worker is online, or none of them can draw this,
    which makes it not `possible`.
    """

    place: int
    work_ahead: float
    eta_seconds: float | None
    possible: bool = True


def joining_time(own: float, active: Collection[float], highest: float) -> float:
    """The virtual time with which a person joins those who are being served.

    Nobody saves up by staying away: it is raised to the lowest among `active`, or, when nobody is, to the `highest`
    anyone has reached, so that the last one served does not have to wait for everybody else to catch up.
    """
    return max(own, min(active) if active else highest)


def effective_class(priority: int, waited: float, ageing_seconds: float, best: int) -> int:
    """Priority after ageing, at most `best`. A clock set back counts as no wait at all."""
    return max(priority, min(best, priority + int(max(0.0, waited) / ageing_seconds)))


class _Line:
    """Persons in order of service, each with the first of their jobs that `fits`; whether jobs do may change, which
    `fit_anew` has to be told. An entry of the heap is void once its owner's ticket has changed."""

    def __init__(
        self,
        waiting: Iterable[Waiting],
        shares: Mapping[int, Share],
        running: Counter[int],
        now: float,
        limits: Limits,
        fits: Callable[[Waiting], bool] = lambda job: True,
    ) -> None:
        queues: defaultdict[int, list[Waiting]] = defaultdict(list)
        for job in waiting:
            queues[job.owner_id].append(job)
        self._queues = {
            owner: deque(sorted(queue, key=lambda job: (-job.priority, job.job_id))) for owner, queue in queues.items()
        }
        self._priorities = Counter(job.priority for queue in self._queues.values() for job in queue)
        self._best = max(self._priorities, default=0)
        self._shares = dict(shares)
        self._running = running
        self._now = now
        self._limits = limits
        self._fits = fits
        self._tickets: Counter[int] = Counter()
        self._heap: list[tuple[int, bool, float, int, int, int]] = []
        self.fit_anew()

    def fit_anew(self) -> None:
        for owner in self._queues:
            self._enter(owner)

    def take(self, preferred: Collection[str]) -> Pick | None:
        first = self._pop()
        if first is None:
            return None
        chosen = first
        if preferred and not first.suspect and first.compatibility not in preferred:
            chosen = self._look_ahead(first, preferred)
        self._queues[chosen.owner_id].remove(chosen)
        self._shares[chosen.owner_id] = self._share(chosen.owner_id).charged(chosen.cost)
        self._running[chosen.owner_id] += 1
        self._enter(chosen.owner_id)
        self._count_out(chosen.priority)
        return Pick(chosen) if chosen is first else Pick(chosen, overtook=first)

    def finish(self, owner: int) -> None:
        self._running[owner] -= 1
        if self._running[owner] == self._limits.running_per_person - 1:
            self._enter(owner)

    def _count_out(self, priority: int) -> None:
        """After the last job of the best priority age lifts less far, which changes everybody's standing."""
        self._priorities[priority] -= 1
        if priority == self._best and not self._priorities[priority]:
            self._best = max((left for left, number in self._priorities.items() if number), default=0)
            self.fit_anew()

    def _look_ahead(self, first: Waiting, preferred: Collection[str]) -> Waiting:
        """The first job of a preferred key among the next heads of the same standing; `first` if there is none."""
        if first.overtaken >= self._limits.max_overtakes:
            return first
        standing = self._entry(first)[:2]
        passed, chosen = [first], first
        while len(passed) < self._limits.look_ahead and (head := self._pop()) is not None:
            passed.append(head)
            if self._entry(head)[:2] != standing:
                break
            if head.compatibility in preferred and not head.suspect:
                chosen = head
                break
        for head in passed:
            if head is not chosen:
                self._enter(head.owner_id)
        return chosen

    def _share(self, owner: int) -> Share:
        return self._shares.get(owner, Share())

    def _entry(self, head: Waiting) -> tuple[int, bool, float, int]:
        standing = effective_class(head.priority, self._now - head.since, self._limits.ageing_seconds, self._best)
        over = self._running[head.owner_id] >= self._limits.running_per_person
        return -standing, over, self._share(head.owner_id).virtual_time, head.job_id

    def _enter(self, owner: int) -> None:
        self._tickets[owner] += 1
        if (head := self._head(owner)) is not None:
            heapq.heappush(self._heap, (*self._entry(head), self._tickets[owner], owner))

    def _head(self, owner: int) -> Waiting | None:
        return next(filter(self._fits, self._queues.get(owner, ())), None)

    def _pop(self) -> Waiting | None:
        while self._heap:
            *_, ticket, owner = heapq.heappop(self._heap)
            if ticket == self._tickets[owner]:
                return self._head(owner)
        return None


def picks(
    waiting: Iterable[Waiting],
    shares: Mapping[int, Share],
    in_flight: Sequence[InFlight],
    *,
    room: int,
    now: float,
    limits: Limits,
    rooms: Iterable[Room] | None = None,
) -> list[Pick]:
    """At most `room` jobs to release now, in order, each with the worker of `rooms` that is to have it, where these are
    given.

    What no worker with room can draw is passed over: it waits for one that can, and nobody waits for it. Who has
    `running_per_person` jobs in flight comes after all others of the class. Among the next `look_ahead` persons one
    whose job can share forward passes with what is in flight may go first, always charged to its owner; a job is passed
    over at most `max_overtakes` times.
    """
    anywhere = Room(WorkerOffer(), room, tuple(job.compatibility for job in in_flight))
    free = Rooms([anywhere] if rooms is None else rooms)
    line = _Line(waiting, shares, Counter(job.owner_id for job in in_flight), now, limits, free.fit)
    chosen: list[Pick] = []
    while len(chosen) < room and (pick := line.take(free.company)) is not None:
        chosen.append(replace(pick, worker=free.place(pick.job)))
        if free.filled_up:
            line.fit_anew()
    return chosen


def serving_order(
    waiting: Iterable[Waiting],
    shares: Mapping[int, Share],
    in_flight: Sequence[InFlight],
    *,
    slots: int,
    now: float,
    limits: Limits,
) -> Iterator[Waiting]:
    """All waiting jobs in the order they will be released, if nobody else comes and jobs end in the order they began.

    Look-ahead is left out: which sizes will meet on the device cannot be foreseen.
    """
    busy = deque(job.owner_id for job in in_flight)
    line = _Line(waiting, shares, Counter(busy), now, limits)
    while True:
        while len(busy) >= max(1, slots):
            line.finish(busy.popleft())
        pick = line.take(())
        if pick is None:
            return
        busy.append(pick.job.owner_id)
        yield pick.job


def outlooks(
    order: Iterable[Waiting], in_flight: Iterable[InFlight], fleet: Fleet, *, online: bool = True
) -> dict[int, Outlook]:
    """Place and expected time of every job of a serving order, by job id. What nobody can draw comes after all others.

    The fleet counts as one device that is never idle, whose speed for a job is the sum of those that can draw it:
    however many jobs run side by side, each takes so much of its time. A job by itself takes its time at one worker.
    """
    foresee = online and bool(fleet)
    line = sorted(order, key=lambda job: not fleet.can(job.compatibility))
    work = elapsed = 0.0
    for running in in_flight:
        work += running.remaining
        left = running.compatibility, running.remaining, running.undeveloped, running.undrawn
        elapsed += fleet.turn(*left) or 0.0
    result = {}
    for place, job in enumerate(line, start=1):
        parts = job.compatibility, job.cost, job.developed, job.drawings
        possible = fleet.can(job.compatibility)
        known = foresee and possible
        result[job.job_id] = Outlook(place, work, elapsed + (fleet.seconds(*parts) or 0.0) if known else None, possible)
        elapsed += fleet.turn(*parts) or 0.0
        work += job.cost
    return result
