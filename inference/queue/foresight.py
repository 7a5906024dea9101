"""How long a request will take, from what is known of this machine: its own timing, and the jobs it has done."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from statistics import median
from typing import NamedTuple

from inference.queue.timings import Timing, Timings
from inference.requests import REQUESTS, kind_in, price_of

KEPT = 24  # jobs of a kind
HEARD = 7  # of these, those most like the one that is asked about: a median of so many bears three that are wild
FEW = 3  # fewer are not believed by themselves
JOBS_AN_OCTAVE = 1.5  # a job twice as large tells as much as one of the same size that was so many jobs earlier
LEAST_SECONDS = 1e-4


class Taken(NamedTuple):
    """What a drawing has taken: seconds of the device, more than none, for so many megapixel passes and megapixels
    developed."""

    seconds: float
    cost: float
    developed: float

    @classmethod
    def each(cls, seconds: float, cost: float, developed: float, drawings: int) -> Taken:
        """One of the drawings of a job, which are alike."""
        return cls(seconds / drawings, cost / drawings, developed / drawings)


class Foresight:
    """Foretells seconds of device time, loading left out.

    Rates come from the worker's own timing; of a kind that was not timed, from the others in the ratios of the cost
    model (`Price`). What jobs have really taken then corrects them, kind by kind, as a factor: the median over the
    latest jobs, those of about the same amount of work first. `recent` holds them by kind, the latest last.
    """

    def __init__(self, timings: Timings | None = None, recent: Mapping[str, Sequence[Taken]] | None = None) -> None:
        self._timed = dict(timings.kinds) if timings is not None else {}
        self._recent = {kind: tuple(jobs[-KEPT:]) for kind, jobs in (recent or {}).items() if jobs}
        self._rates: dict[str, Timing] = {}
        self._told: dict[tuple[str, float, float], float] = {}

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self._timed or self._recent)

    def seconds(self, compatibility: str, cost: float, developed: float, drawings: int = 1) -> float | None:
        """For so much work of a kind (the first part of its key), in so many equal drawings; None while nothing at all
        has been measured."""
        if not self:
            return None
        work = (kind_in(compatibility), cost / drawings, developed / drawings)
        if work not in self._told:
            asked = self._rough(*work)
            self._told[work] = max(LEAST_SECONDS, asked * self._pace(work[0], asked))
        return drawings * self._told[work]

    def at_most(self, drawings: int, cost: float, developed: float) -> float:
        """No less than so many drawings of so much work together will take, which is quick to ask. 0 while nothing is
        known."""
        if not self:
            return 0.0
        rate, pace = self._slowest
        return pace * (rate.a_pass * cost + rate.developing * developed + (rate.once + LEAST_SECONDS) * drawings)

    # Inside

    def _rough(self, kind: str, cost: float, developed: float) -> float:
        rate = self._rate(kind)
        return max(LEAST_SECONDS, rate.a_pass * cost + rate.developing * developed + rate.once)

    def _rate(self, kind: str) -> Timing:
        """As it was timed, or as its price is to those that were; its bare price where none was."""
        if kind not in self._rates:
            self._rates[kind] = self._timed.get(kind) or self._by_price(kind)
        return self._rates[kind]

    def _by_price(self, kind: str) -> Timing:
        price = price_of(kind)
        a_pass = [timing.a_pass / price_of(other).a_pass for other, timing in self._timed.items()]
        developing = [
            timing.developing / price_of(other).developing
            for other, timing in self._timed.items()
            if price_of(other).developing
        ]
        unit = _middle(a_pass, 1.0)
        return Timing(
            a_pass=unit * price.a_pass,
            developing=_middle(developing, unit) * price.developing,
            once=_middle([timing.once for timing in self._timed.values()], 0.0),
        )

    def _pace(self, kind: str, asked: float) -> float:
        """How many times slower than its rates the kind is for about so much work, by the jobs there were."""
        near = _alike(((job, self._rough(kind, job.cost, job.developed)) for job in self._recent.get(kind, ())), asked)
        paces = [job.seconds / rough for job, rough in near]
        if len(paces) < FEW and (kind in self._timed or not paces):
            paces.append(self._usual(kind))
        return _halfway(paces)

    def _usual(self, kind: str) -> float:
        """The pace of all other kinds together: how busy the machine is, and how far off its own timing."""
        others = [(other, jobs) for other, jobs in self._recent.items() if other != kind]
        paces = [self._pace_of(other, job) for other, jobs in others for job in jobs[-HEARD:]]
        if self._timed and len(paces) < FEW:
            paces.append(1.0)
        return _halfway(paces) if paces else 1.0

    @cached_property
    def _slowest(self) -> tuple[Timing, float]:
        rates = [self._rate(kind) for kind in {*REQUESTS, *self._timed, *self._recent}]
        paces = [self._pace_of(kind, job) for kind, jobs in self._recent.items() for job in jobs]
        rate = Timing(
            a_pass=max(rate.a_pass for rate in rates),
            developing=max(rate.developing for rate in rates),
            once=max(rate.once for rate in rates),
        )
        return rate, max(1.0, *paces) if paces else 1.0

    def _pace_of(self, kind: str, job: Taken) -> float:
        return job.seconds / self._rough(kind, job.cost, job.developed)


def _alike(jobs: Iterable[tuple[Taken, float]], asked: float) -> list[tuple[Taken, float]]:
    """Those of the jobs, each with its rough seconds and the latest last, to hear for one of `asked` rough seconds."""

    def unlike(aged: tuple[int, tuple[Taken, float]]) -> float:
        age, (_, rough) = aged
        return age + JOBS_AN_OCTAVE * abs(math.log2(rough / asked))

    return [job for _, job in sorted(enumerate(reversed(list(jobs))), key=unlike)[:HEARD]]


def _halfway(paces: Iterable[float]) -> float:
    """The median of factors: between two of them as far from the one as from the other."""
    return math.exp(median(map(math.log, paces)))


def _middle(values: Iterable[float], otherwise: float) -> float:
    known = list(values)
    return median(known) if known else otherwise
