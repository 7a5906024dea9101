"""All workers that offer something, as last read."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from inference.queue.figures import WorkerSeen
from inference.queue.transport import WorkerOffer
from inference.queue.transport.capacity import demands
from inference.queue.transport.redis.offer import ForeignOffer, Offer, read_offer
from inference.requests import AnyRequest

log = logging.getLogger(__name__)


class Workers:
    """`offers` by life, `workers` what they come to."""

    def __init__(self) -> None:
        self.offers: dict[str, Offer] = {}
        self.workers: tuple[WorkerOffer, ...] = ()
        self._foreign: dict[str, str] = {}

    @property
    def trouble(self) -> str | None:
        """Why one of them has none to offer."""
        return next(filter(None, (self.offers[life].trouble for life in sorted(self.offers))), None)

    @property
    def seen(self) -> tuple[WorkerSeen, ...]:
        """All of them, by their lives, those included that cannot be understood."""
        left_out = (
            WorkerSeen(life, life.partition(":")[0], "unknown", "unknown", 0, 0, refused=why)
            for life, why in sorted(self._foreign.items())
        )
        return (*(_seen(life, offer) for life, offer in sorted(self.offers.items())), *left_out)

    def read(self, contents: Mapping[str, bytes]) -> None:
        """Takes in what the server has of each life. One that cannot be understood is told once and left out."""
        offers: dict[str, Offer] = {}
        foreign: dict[str, str] = {}
        for life, content in contents.items():
            try:
                offers[life] = read_offer(content)
            except ForeignOffer as why:
                foreign[life] = str(why)
                if self._foreign.get(life) != str(why):
                    log.warning("worker %s is left out: %s", life, why)
        self.offers, self._foreign = offers, foreign
        workers = tuple(offers[life].of(life) for life in sorted(offers))
        if workers != self.workers:
            self.workers = workers

    def with_room(self, request: AnyRequest, load: Mapping[str, int], wanted: str | None) -> str | None:
        """The life that is to have a request: the one that is wanted, else the one with most room beyond its load, if
        it has any and can draw that; None where none does."""
        needs = demands(request)
        room = {one.name: one.slots - load.get(one.name, 0) for one in self.workers if one.can(needs)}
        if wanted is not None and room.get(wanted, 0) > 0:
            return wanted
        return max((life for life in room if room[life] > 0), key=room.__getitem__, default=None)


def _seen(life: str, offer: Offer) -> WorkerSeen:
    jobs = len(offer.held)
    return WorkerSeen(life, offer.host, offer.device, offer.code_version, offer.slots, jobs, offer.figures)
