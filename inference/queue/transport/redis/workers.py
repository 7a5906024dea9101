"""All workers that offer something, as last read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from inference.queue.figures import WorkerSeen
from inference.queue.timings import Timings
from inference.queue.transport.redis.offer import ForeignOffer, Offer, read_offer
from inference.requests import AnyRequest, ModelCard

log = logging.getLogger(__name__)


class Workers:
    """`offers` by life; `card` is what they can draw between them, and stays when the last of them has gone."""

    def __init__(self) -> None:
        self.offers: dict[str, Offer] = {}
        self.card: ModelCard | None = None
        self._foreign: dict[str, str] = {}

    @property
    def slots(self) -> int:
        return sum(offer.slots for offer in self.offers.values())

    @property
    def timings(self) -> Timings | None:
        """How fast one of them is that has timed itself: of several the first by name."""
        return next(filter(None, (self.offers[life].timings for life in sorted(self.offers))), None)

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
        self.card = joined(offer.card for offer in offers.values()) or self.card

    def roomiest(self, request: AnyRequest, load: Mapping[str, int]) -> str | None:
        """The life that can draw a request and has most room beyond its load; None where nobody has any."""
        able = {life: offer.slots - load.get(life, 0) for life, offer in self.offers.items() if offer.can(request)}
        return max((life for life in sorted(able) if able[life] > 0), key=able.__getitem__, default=None)


def _seen(life: str, offer: Offer) -> WorkerSeen:
    jobs = len(offer.held)
    return WorkerSeen(life, offer.host, offer.device, offer.code_version, offer.slots, jobs, offer.figures)


def joined(cards: Iterable[ModelCard | None]) -> ModelCard | None:
    """What several workers can draw between them: of a kind that two have, the first one's word counts.

    What people read of the model is one's: the first whose words are not bounded, else the first.
    """
    given = [card for card in cards if card is not None]
    if not given:
        return None
    abilities = {kind: ability for card in reversed(given) for kind, ability in card.abilities.items()}
    missing = {kind: lack for card in reversed(given) for kind, lack in card.missing.items() if kind not in abilities}
    revisions = {net: revision for card in reversed(given) for net, revision in card.revisions.items()}
    speaker = next((card for card in given if not card.small_world), given[0])
    return speaker.model_copy(update={"abilities": abilities, "missing": missing, "revisions": revisions})
