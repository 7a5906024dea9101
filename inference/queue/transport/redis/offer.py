"""What a worker says of itself every second."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.queue.timings import Timings
from inference.queue.transport.redis.keys import MAX_OFFER_BYTES
from inference.queue.wire import MAX_REASON_CHARS
from inference.requests import AnyRequest, ModelCard

PROTOCOL = 2  # since then what is cancelled says which of its pictures are whole
UNDERSTOOD = (PROTOCOL, PROTOCOL - 1)  # a worker may be one version behind the bot
MOST_HELD = 1024

Short = Annotated[str, Field(max_length=64)]


class Offer(BaseModel):
    """`beat` counts the offers of a life; `held` are jobs it has taken and whose last report it has not sent off.

    Fields of a later version are passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    protocol: Annotated[int, Field(ge=0)] = PROTOCOL
    code_version: Short
    host: Short
    device: Short
    beat: Annotated[int, Field(ge=0)]
    slots: Annotated[int, Field(ge=0, le=64)] = 0
    held: Annotated[frozenset[int], Field(max_length=MOST_HELD)] = frozenset()
    card: ModelCard | None = None
    timings: Timings | None = None
    trouble: Annotated[str, Field(max_length=MAX_REASON_CHARS)] | None = None

    def can(self, request: AnyRequest) -> bool:
        """Whether its weights can draw a request; a worker without a card takes whatever comes."""
        return self.card is None or self.card.can(request)


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
        return Offer.model_validate_json(content)
    except ValidationError as refusal:
        first = refusal.errors(include_input=False, include_url=False, include_context=False)[0]
        raise ForeignOffer(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:MAX_REASON_CHARS]) from None


class _Spoken(BaseModel):
    protocol: int
