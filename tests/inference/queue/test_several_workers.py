"""Several workers at once, beside the bot and over Redis: who is started, who gets what, and who dies alone."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.queue.dispatcher import Dispatcher
from inference.queue.fairness import Limits
from inference.queue.ledger import Ledger
from inference.queue.transport import Interrupted
from inference.queue.transport.local import LocalDelivery
from inference.queue.transport.redis.delivery import RedisDelivery
from inference.queue.wire import Submit
from inference.requests import Finished, Started
from tests.inference.queue.delivery_contract import assignment, reading, ready
from tests.inference.queue.jobs import FLASH, queued
from tests.inference.queue.puppet import Puppet
from tests.inference.queue.test_delivery_local import ROOT, options
from tests.inference.queue.test_placing import MIX
from tests.inference.queue.test_redis_rules import DONE, SetUp, card, scene
from tests.waiting import until

__all__ = ["scene"]

SAYS = """
import os, sys
from inference.queue.wire import Configure, Hello, ParentLink, encode
link = ParentLink(int(sys.argv[-1]))
told = link.inbox.get()
with open("numbers", "a") as file:
    file.write(f"{told.options.number}")
link.send(Hello(slots=1, pid=os.getpid(), cards=3))
link.inbox.get()
"""


async def test_there_is_one_worker_for_each_card_once_the_first_has_counted_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    program = f"import os; os.chdir({str(tmp_path)!r})\n{SAYS}"
    local = LocalDelivery(command=[sys.executable, "-c", program], workers="auto")
    await local.start()
    await ready(local, 3)
    assert sorted((tmp_path / "numbers").read_text()) == ["0", "1", "2"] and len(local.worker_pids) == 3
    assert len({worker.name for worker in (await local.capacity()).workers}) == 3
    await local.close(0.0)
    assert (await local.capacity()).slots == 0


async def test_each_of_two_workers_draws_what_it_is_given_and_dies_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    local = LocalDelivery(options(tmp_path, slots=2, steps=150, step_seconds=0.01), workers=2)
    await local.start()
    await ready(local, 4)
    names = [worker.name for worker in (await local.capacity()).workers]
    async with reading(local) as reader:
        for job_id, name in enumerate([*names, "a worker that has gone"], start=1):
            await local.submit(assignment(job_id), name)
        assert [local.where(job_id) for job_id in (1, 2, 3)] == [*names, names[0]]
        await until(lambda: all(Started() in reader.of(job_id) for job_id in (1, 2, 3)))
        victim = local.worker_pids[1]
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        await until(lambda: all(reader.last_of(job_id) for job_id in (1, 2, 3)))
        assert reader.last_of(2) == Interrupted(cause="worker_gone", alone=False)
        assert isinstance(reader.last_of(1), Finished) and isinstance(reader.last_of(3), Finished)
        await ready(local, 4)
    await local.close(0.0)
    assert local.where(1) is None


async def test_a_job_goes_to_the_worker_it_was_meant_for_or_where_it_can_be_drawn_if_that_has_gone(
    scene: SetUp,
) -> None:
    stage = scene()
    bot, roomy = await stage.both(slots=4)
    small = await stage.worker(slots=1)
    await ready(bot, 5)
    await bot.submit(assignment(1), small.life)
    await small.told(Submit(assignment=assignment(1)))
    await bot.submit(assignment(2), small.life)  # which is full
    await bot.submit(assignment(3), "nobody:1:0123abcd")
    for job_id in (2, 3):
        await roomy.told(Submit(assignment=assignment(job_id)))
    assert [bot.where(job_id) for job_id in (1, 2, 3, 4)] == [small.life, roomy.life, roomy.life, None]


async def test_over_redis_a_job_that_only_a_busy_worker_can_draw_waits_for_it_and_others_pass(
    scene: SetUp, database: AsyncEngine
) -> None:
    stage = scene()
    mixer, flasher = await stage.worker(slots=1, card=card("mix")), await stage.worker(slots=2, card=card("flash"))
    ledger = Ledger(database, limits=Limits(waiting_per_person=100))
    queue = Dispatcher(ledger, RedisDelivery(stage.url, presence_seconds=60.0), tick_seconds=0.01)
    mixes = [await queued(ledger, 1, MIX) for _ in range(2)]
    flashes = [await queued(ledger, 1, FLASH), await queued(ledger, 2, FLASH)]
    await queue.start()

    async def at(puppet: Puppet) -> list[int]:
        return [order.assignment.job_id for order in await puppet.orders() if isinstance(order, Submit)]

    async def all_given() -> bool:
        return sorted(await at(flasher)) == flashes and await at(mixer) == mixes[:1]

    await until(all_given)
    waiting = await ledger.job(mixes[1])
    assert waiting is not None and (waiting.state, waiting.attempts) == ("queued", 0)
    await mixer.report(mixes[0], Started())
    await mixer.report(mixes[0], DONE)

    async def next_given() -> bool:
        return await at(mixer) == mixes

    await until(next_given)
    await flasher.beat(px=1)
    await until(lambda: queue.card is not None and queue.card.kinds == ("mix",))
    await flasher.beat()
    await until(lambda: queue.card is not None and set(queue.card.kinds) == {"flash", "mix"})
    await queue.close(0.0)
