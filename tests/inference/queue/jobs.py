"""Short words for the tests of the queue."""

from __future__ import annotations

import itertools
from typing import Any

from inference.queue.jobs import Job
from inference.queue.ledger import Ledger
from inference.queue.timings import Timings
from inference.queue.transport import Assignment, Interrupted, WorkerOffer
from inference.requests import Ability, AnyRequest, Finished, FlashTextToImage, ModelCard, Texts, TextToImage

FLASH = FlashTextToImage(prompt="a cat", width=512, height=512, seeds=(1,))
FULL = TextToImage(prompt="a cat", width=512, height=512, seeds=(1,), steps=10)
DONE = Finished(pictures=())
CRASH_ALONE = Interrupted(cause="engine_crashed", alone=True)
CRASH_IN_COMPANY = Interrupted(cause="engine_crashed", alone=False)
WORKER_GONE = Interrupted(cause="worker_gone", alone=False)
DRAINED = Interrupted(cause="drained", alone=False)

_updates = itertools.count(1)


async def accepted(ledger: Ledger, owner: int = 1, request: AnyRequest = FLASH, **more: Any) -> Job:
    fields = {"update_id": next(_updates), "owner_id": owner, "chat_id": owner, "context": {}, **more}
    return (await ledger.accept(request=request, **fields)).job


async def queued(ledger: Ledger, owner: int = 1, request: AnyRequest = FLASH, **more: Any) -> int:
    job = await accepted(ledger, owner, request, **more)
    announced = await ledger.announce(job.id, message_id=1000 + job.id)
    assert announced is not None
    return job.id


def offering(slots: int, *kinds: str, name: str = "", timings: Timings | None = None) -> WorkerOffer:
    """A worker that takes so many jobs at a time, of these kinds or of any."""
    label = Texts(ru="проба", en="test")
    card = ModelCard.model_validate({"label": label, "abilities": {kind: Ability() for kind in kinds}})
    return WorkerOffer(name=name, slots=slots, card=card if kinds else None, timings=timings)


async def handed(ledger: Ledger, slots: int) -> list[Assignment]:
    """What is released where one worker takes so many jobs at a time."""
    return [placed.assignment for placed in await ledger.release([offering(slots)])]


async def released(ledger: Ledger, slots: int = 1) -> list[int]:
    return [assignment.job_id for assignment in await handed(ledger, slots)]


async def state(ledger: Ledger, job_id: int) -> str:
    job = await ledger.job(job_id)
    assert job is not None
    return job.state
