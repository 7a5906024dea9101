"""Short words for the tests of the queue."""

from __future__ import annotations

import itertools
from typing import Any

from inference.queue.jobs import Job
from inference.queue.ledger import Ledger
from inference.queue.transport import Interrupted
from inference.requests import AnyRequest, Finished, FlashTextToImage, TextToImage

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


async def released(ledger: Ledger, slots: int = 1) -> list[int]:
    return [assignment.job_id for assignment in await ledger.release(slots)]


async def state(ledger: Ledger, job_id: int) -> str:
    job = await ledger.job(job_id)
    assert job is not None
    return job.state
