"""What a worker says of itself every second."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from inference.queue.figures import Figures
from inference.queue.timings import Loading, Timings
from inference.queue.transport import JobId, WorkerOffer
from inference.queue.transport.redis.keys import MAX_OFFER_BYTES
from inference.queue.wire import MAX_REASON_CHARS, misfit
from inference.requests import OF_ANY_VERSION, Contract, ModelCard

PROTOCOL = 3  # 2: what is cancelled says which of its pictures are whole; 3: sheets
SHEETS = 3
UNDERSTOOD = range(PROTOCOL - 1, PROTOCOL + 2)  # a worker may be one version behind the bot, or ahead of it
MOST_HELD = 1024

Short = Annotated[str, Field(max_length=64)]


class Offer(Contract):
    """`beat` counts the offers of a life; `held` are jobs it has taken and whose last report it has not sent off."""

    protocol: Annotated[int, Field(ge=0)] = PROTOCOL
    code_version: Short
    host: Short
    device: Short
    beat: Annotated[int, Field(ge=0)]
    slots: Annotated[int, Field(ge=0, le=64)] = 0
    held: Annotated[frozenset[JobId], Field(max_length=MOST_HELD)] = frozenset()
    card: ModelCard | None = None
    timings: Timings | None = None
    figures: Figures | None = None
    loading: Loading | None = None
    probes: bool = False  # whether it answers those
    trouble: Annotated[str, Field(max_length=MAX_REASON_CHARS)] | None = None

    def of(self, life: str) -> WorkerOffer:
        """What it comes to for whoever gives out jobs."""
        foreign = frozenset({"sheet"} if self.protocol < SHEETS else ())
        return WorkerOffer(
            name=life,
            slots=self.slots,
            card=self.card,
            timings=self.timings,
            loading=self.loading,
            foreign=foreign,
        )


class ForeignOffer(ValueError):
    """An offer that this side does not understand; the message says why, in one line without its values."""


def read_offer(content: bytes) -> Offer:
    """Raises ForeignOffer."""
    if len(content) > MAX_OFFER_BYTES:
        raise ForeignOffer(f"it is longer than {MAX_OFFER_BYTES} bytes")
    try:
        spoken = _Spoken.model_validate_json(content).protocol
        if spoken not in UNDERSTOOD:
            raise ForeignOffer(f"it speaks protocol {spoken}, this bot {PROTOCOL}: the older side needs an update")
        return Offer.model_validate_json(content, **OF_ANY_VERSION)
    except ValidationError as refusal:
        raise ForeignOffer(misfit(refusal)) from None


class _Spoken(BaseModel):
    protocol: int
