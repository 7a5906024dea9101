"""What workers offer: each by itself, and all of them together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from inference.queue.timings import Loading, Timings
from inference.requests import AnyRequest, Contract, ModelCard

LENT = frozenset({"sheet"})  # kinds drawn with the weights of others, of which a worker has to know all the same


def demands(request: AnyRequest) -> frozenset[str]:
    """What a worker that draws a request must have: weights for these kinds, knowledge of those that are LENT."""
    return frozenset(request.needs) | (LENT & {request.kind})


class WorkerOffer(Contract):
    """One worker that can be reached. Its `name` is its own as long as it lives. Without a card it takes whatever
    comes, but for kinds of request that it is too old to know: these are `foreign` to it. `loading` is its own word on
    which nets are at hand, None where it gives none."""

    name: str = ""
    slots: Annotated[int, Field(ge=0)] = 0
    card: ModelCard | None = None
    timings: Timings | None = None
    loading: Loading | None = None
    foreign: frozenset[str] = frozenset()

    def can(self, wanted: frozenset[str]) -> bool:
        """Whether it can draw what demands this."""
        if wanted & self.foreign:
            return False
        return self.card is None or wanted - LENT <= self.card.abilities.keys()


class Capacity(Contract):
    """What the live workers offer, none while none is reachable.

    `trouble` says why none becomes ready, after several have tried; they go on trying. `unreachable` says that it is
    the queue's server that cannot be reached.
    """

    workers: tuple[WorkerOffer, ...] = ()
    trouble: str | None = None
    unreachable: bool = False

    @property
    def slots(self) -> int:
        """Jobs that they take at a time."""
        return sum(worker.slots for worker in self.workers)

    @property
    def card(self) -> ModelCard | None:
        """What they can draw between them; None until one has introduced itself."""
        return joined(worker.card for worker in self.workers)


def joined(cards: Iterable[ModelCard | None]) -> ModelCard | None:
    """What several workers can draw between them: of a kind that two have, the first one's word counts.

    What people read of the model is one's: the first whose words are not bounded, else the first.
    """
    given = [card for card in cards if card is not None]
    if len(given) < 2:
        return given[0] if given else None
    abilities = {kind: ability for card in reversed(given) for kind, ability in card.abilities.items()}
    missing = {kind: lack for card in reversed(given) for kind, lack in card.missing.items() if kind not in abilities}
    revisions = {net: revision for card in reversed(given) for net, revision in card.revisions.items()}
    speaker = next((card for card in given if not card.small_world), given[0])
    return speaker.model_copy(update={"abilities": abilities, "missing": missing, "revisions": revisions})
