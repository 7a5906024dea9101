"""What the bot makes of workers that die, come back, speak nonsense or know better, and of a server that forgets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from inference.queue.transport import Assignment, Interrupted
from inference.queue.transport.redis import delivery as bot_side
from inference.queue.transport.redis import keys
from inference.queue.transport.redis.delivery import RedisDelivery
from inference.queue.transport.redis.glance import QueueUnusable, glance
from inference.queue.transport.redis.offer import PROTOCOL
from inference.queue.wire import Cancel, Submit
from inference.requests import Cancelled, Failed, Finished, Look, ModelCard, Progress, Sheet, Started
from inference.requests.card import Ability, Texts
from tests.inference.queue.delivery_contract import Reader, assignment, reading, ready
from tests.inference.queue.jobs import FLASH
from tests.inference.queue.puppet import Puppet
from tests.redis_server import RedisServer
from tests.waiting import until

GONE = Interrupted(cause="worker_gone", alone=False)
DONE = Finished(pictures=())


class Scene:
    def __init__(self, url: str, server: Any, presence_seconds: float) -> None:
        self.url, self.server, self.presence = url, server, presence_seconds
        self.deliveries: list[RedisDelivery] = []
        self.puppets: list[Puppet] = []

    async def bot(self) -> RedisDelivery:
        self.deliveries.append(RedisDelivery(self.url, presence_seconds=self.presence))
        await self.deliveries[-1].start()
        return self.deliveries[-1]

    async def both(self, **offer: Any) -> tuple[RedisDelivery, Puppet]:
        """A bot that knows of a worker."""
        bot, worker = await self.bot(), await self.worker(**offer)
        await ready(bot, worker.offer.slots)
        return bot, worker

    async def worker(self, **offer: Any) -> Puppet:
        puppet = Puppet(self.server, len(self.puppets) + 1)
        self.puppets.append(puppet)
        await puppet.beat(**offer)
        return puppet

    async def stored(self) -> tuple[dict[bytes, bytes], int]:
        """Who has which job, as the server knows it, and how many reports wait there."""
        jobs: dict[bytes, bytes] = await self.server.hgetall(keys.JOBS)
        return jobs, await self.server.xlen(keys.UP)


SetUp = Callable[..., Scene]


@pytest.fixture
async def scene(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SetUp]:
    monkeypatch.setattr(bot_side, "LOOK_SECONDS", 0.05)
    server = Redis.from_url(redis_url)
    scenes: list[Scene] = []

    def set_up(presence_seconds: float = 60.0) -> Scene:
        scenes.append(Scene(redis_url, server, presence_seconds))
        return scenes[-1]

    yield set_up
    for scene in scenes:
        for delivery in scene.deliveries:
            await delivery.close(0.0)
    await server.aclose()


def card(*kinds: str) -> ModelCard:
    label = Texts(ru="проба", en="test")
    return ModelCard.model_validate({"label": label, "abilities": {kind: Ability() for kind in kinds}})


async def given(delivery: RedisDelivery, puppet: Puppet, job_id: int) -> None:
    await delivery.submit(assignment(job_id))
    await puppet.told(Submit(assignment=assignment(job_id)))


async def test_jobs_of_a_worker_that_falls_silent_are_interrupted_and_it_is_struck_out(scene: SetUp) -> None:
    stage = scene(presence_seconds=0.5)
    bot, worker = await stage.both(px=5000)
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        await until(lambda: reader.last_of(1))
    assert reader.of(1) == [GONE]
    assert (await bot.capacity()).slots == 0

    async def forgotten() -> bool:
        return not await stage.server.exists(keys.WORKERS, keys.inbox_of(worker.life), keys.JOBS)

    await until(forgotten)


async def test_a_job_that_its_worker_does_not_hold_is_lost_after_three_offers_and_no_sooner(scene: SetUp) -> None:
    bot, worker = await scene().both()
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        await given(bot, worker, 2)
        for _ in range(2):
            await worker.beat(held=frozenset({2}))
            await looked(bot)
        assert reader.reports == []
        await worker.beat(held=frozenset({1, 2}))
        await looked(bot)
        for _ in range(4):
            assert reader.reports == []
            await worker.beat(held=frozenset({2}))
            await looked(bot)
        await until(lambda: reader.last_of(1))
    assert reader.reports == [(1, GONE)]


async def looked(bot: RedisDelivery, times: int = 3) -> None:
    """Returns when the bot has looked at the server so often from now on."""
    for _ in range(times + 1):  # it may be in the middle of one
        before = bot._looked._at
        await until(lambda before=before: bot._looked._at > before)


async def test_a_job_that_a_worker_holds_and_should_not_is_cancelled_there(scene: SetUp) -> None:
    bot, worker = await scene().both()
    for _ in range(3):
        await worker.beat(held=frozenset({7}))
        await looked(bot)
    await worker.told(Cancel(job_id=7))


async def test_reports_count_from_who_has_the_job_and_a_finished_picture_from_anybody(scene: SetUp) -> None:
    stage = scene()
    bot, worker = await stage.both(slots=2)
    other = await stage.worker(slots=1)
    await ready(bot, 3)
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        for event in (Started(), GONE, Failed(code="internal", message="late"), Cancelled()):
            await other.report(1, event)
        await worker.report(1, Started())
        await until(lambda: reader.of(1))
        assert reader.of(1) == [Started()]
        await other.report(1, DONE)
        await until(lambda: reader.last_of(1))
        await worker.report(1, DONE)
        await worker.report(2, Started())
        await until(lambda: len(reader.of(1)) == 3)
    assert reader.of(1) == [Started(), DONE, DONE] and reader.of(2) == [], "the ledger takes the first"


async def test_a_job_goes_where_it_can_be_drawn_and_where_there_is_most_room(scene: SetUp) -> None:
    stage = scene()
    bot = await stage.bot()
    small = await stage.worker(slots=3, card=card("x4"))
    one = await stage.worker(slots=1, card=card("flash"))
    two = await stage.worker(slots=2, card=card("flash", "full"))
    await ready(bot, 6)
    for job_id in (1, 2, 3):
        await bot.submit(assignment(job_id))
    await two.told(Submit(assignment=assignment(1)))
    await until(lambda: bot._changes.empty)
    places = [[order.assignment.job_id for order in await who.orders()] for who in (small, one, two)]
    assert places in ([[], [2], [1, 3]], [[], [3], [1, 2]])
    assert set((await bot.capacity()).card.kinds) == {"x4", "flash", "full"}


async def test_a_job_that_no_worker_can_take_goes_back_at_no_cost(
    scene: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_side, "UNPLACED_SECONDS", 0.1)
    stage = scene()
    bot, _ = await stage.both(card=card("x4"))
    async with reading(bot) as reader:
        await bot.submit(assignment(1))
        assert await bot.known() == {1}
        await until(lambda: reader.last_of(1))
    assert reader.of(1) == [Interrupted(cause="drained", alone=False)]


async def test_what_is_stopping_at_a_worker_is_in_nobodys_way_there(scene: SetUp) -> None:
    bot, worker = await scene().both(slots=1)
    await given(bot, worker, 1)
    await bot.cancel(1)
    await given(bot, worker, 2)
    await worker.report(1, Cancelled(done=0.5))
    async with reading(bot) as reader:
        await until(lambda: reader.last_of(1))
        await bot.submit(assignment(3))
        await worker.report(2, DONE)
        await until(lambda: reader.last_of(2))
    await worker.told(Submit(assignment=assignment(3)))


async def test_a_job_that_waits_for_a_worker_may_be_cancelled(scene: SetUp) -> None:
    bot = await scene().bot()
    async with reading(bot) as reader:
        await bot.submit(assignment(1))
        await bot.cancel(1)
        await until(lambda: reader.last_of(1))
    assert reader.of(1) == [Cancelled(done=0.0)]


async def test_the_next_life_of_the_bot_finds_what_runs_and_what_nobody_has_handled(scene: SetUp) -> None:
    stage = scene()
    bot, worker = await stage.both()
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        await given(bot, worker, 2)
        await worker.report(2, Started())
        await until(lambda: reader.of(2))
    await bot.close(0.0)
    await worker.beat(held=frozenset({1}))
    await worker.report(2, DONE)
    again = await stage.bot()
    assert await until(again.known) == {1, 2}
    async with reading(again) as reader:
        await until(lambda: reader.last_of(2))
        assert reader.of(2) == [DONE], "what was handled is not told again"
        await worker.report(1, Started())
        await worker.report(1, DONE)
        await until(lambda: reader.last_of(1))
    assert reader.of(1) == [Started(), DONE]
    assert [order for order in await worker.orders() if isinstance(order, Cancel)] == []

    async def empty() -> bool:
        return await stage.stored() == ({}, 0)

    await until(empty)


async def test_what_a_bot_had_no_time_to_handle_is_told_to_the_next(scene: SetUp) -> None:
    stage = scene()
    bot, worker = await stage.both()
    await given(bot, worker, 1)
    await worker.report(1, DONE)

    async def handle() -> None:
        async for _report in bot.events():
            await asyncio.Event().wait()

    slow = asyncio.create_task(handle())
    await until(lambda: bot._entries and bot._mailbox.empty)
    closing = asyncio.create_task(bot.close(0.0))
    await until(lambda: bot._closing)
    slow.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await slow
    await closing
    again = await stage.bot()
    async with reading(again) as reader:
        await until(lambda: reader.last_of(1))
    assert reader.of(1) == [DONE]


async def test_a_server_that_forgets_costs_nothing_while_the_workers_remember(scene: SetUp) -> None:
    stage = scene(presence_seconds=0.5)
    bot, worker = await stage.both()
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        await stage.server.flushall()
        await worker.beat(held=frozenset({1}))

        async def remembered() -> bool:
            return await stage.server.hget(keys.JOBS, "1") == worker.life.encode()

        await until(remembered)
        await until(lambda: bot._in_doubt.seconds > stage.presence)
        await looked(bot)
        assert reader.reports == []
        await worker.report(1, DONE)
        await until(lambda: reader.last_of(1))
    assert reader.of(1) == [DONE]


async def test_after_a_power_cut_the_workers_say_what_runs(scene: SetUp) -> None:
    stage = scene(presence_seconds=0.5)
    await stage.server.flushall()  # the marker, too
    bot = await stage.bot()
    await looked(bot)
    assert await bot.known() is None, "nobody is given up before they could come back"
    worker = await stage.worker(held=frozenset({4}))
    assert await until(bot.known) == {4}
    async with reading(bot) as reader:
        await worker.report(4, DONE)
        await until(lambda: reader.last_of(4))
    assert [order for order in await worker.orders() if isinstance(order, Cancel)] == []


async def test_progress_is_the_latest_of_each_job_and_leaves_nothing_on_the_server(scene: SetUp) -> None:
    bot, worker = await scene().both()
    await given(bot, worker, 1)
    await worker.report(1, Started())
    for step in range(50):
        await worker.report(1, Progress(stage="drawing", step=step, of=50))
    await until(lambda: bot._changes.empty and len(bot._entries) == 1)
    await looked(bot)
    async with reading(bot) as reader:
        await until(lambda: len(reader.reports) == 2)
    assert reader.of(1) == [Started(), Progress(stage="drawing", step=49, of=50)]


NONSENSE: list[dict[str, Any]] = [
    {"x": "y"},
    {"life": "me", "line": b"{}"},
    {"life": "a:1:0123abcd"},
    {"life": "a:1:0123abcd", "line": b"\xff\xfe"},
    {"life": "a:1:0123abcd", "line": b"[" * 100_000},
    {"life": "a:1:0123abcd", "line": b'{"type":"report"}'},
    {"life": "a:1:0123abcd", "line": b'{"type":"report","report":{"job_id":{},"event":7}}'},
    {"life": "a:1:0123abcd", "line": b'{"type":"report","report":{"job_id":1e400,"event":{"type":[]}}}'},
    {"life": "a:1:0123abcd", "line": b'{"type":"report","report":{"job_id":[7],"event":{"type":"finished"}}}'},
    {"life": "x" * 5000, "line": b'{"type":"hello","slots":1,"pid":1}'},
    {"life": "a:1:0123abcd", "line": b"x" * (8 * 2**20 + 1)},
]


async def test_whatever_stands_among_the_reports_the_next_one_is_heard(scene: SetUp) -> None:
    stage = scene()
    bot, worker = await stage.both()
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        for fields in NONSENSE:
            await stage.server.xadd(keys.UP, fields)
        await worker.report(1, DONE)
        await until(lambda: reader.last_of(1))

    async def empty() -> bool:
        return await stage.stored() == ({}, 0)

    await until(empty)
    assert reader.reports == [(1, DONE)]


def picture(**changed: Any) -> dict[str, Any]:
    recipe = {"request": FLASH.model_dump(mode="json"), "tile": 0, "code_version": "1"}
    return {"tile": 0, "blob": "a" * 64, "width": 64, "height": 64, "recipe": recipe, **changed}


PROGRESS = {"type": "progress", "stage": "drawing", "step": 1, "of": 2}
TOO_MUCH: list[dict[str, Any]] = [
    {"type": "finished", "pictures": [{"mood": "geheim"}]},
    {"type": "finished", "pictures": [picture()] * 11},
    {"type": "finished", "pictures": [picture(blob="../geheim")]},
    {"type": "finished", "pictures": [picture(tile=-1)]},
    {"type": "finished", "pictures": [picture(tile=10)]},
    {"type": "finished", "pictures": [picture(width=10**9)]},
    {"type": "finished", "texts": ["geheim" * 10_000]},
    {"type": "finished", "notes": [{"code": "geheim"}]},
    {"type": "finished", "notes": [{"code": "prompt_cut"}] * 1000},
    {"type": "cancelled", "pictures": [picture(tile=tile % 10) for tile in range(11)]},
    {"type": "failed", "code": "geheim", "message": "no"},
    {"type": "geheim"},
]


@pytest.mark.parametrize("said", TOO_MUCH, ids=range(len(TOO_MUCH)))
async def test_an_end_that_is_not_understood_or_past_all_bounds_fails_its_job_alone(
    scene: SetUp, said: dict[str, Any]
) -> None:
    bot, worker = await scene().both()
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        await given(bot, worker, 2)
        await worker.report_raw(3, said)
        await worker.report_raw(1, said)
        await worker.report(2, DONE)
        await until(lambda: reader.last_of(1) and reader.last_of(2))
    [failure] = reader.of(1)
    assert isinstance(failure, Failed) and failure.code == "internal"
    assert "geheim" not in failure.message
    assert reader.of(2) == [DONE] and reader.of(3) == []


@pytest.mark.parametrize(
    "changed",
    [{"stage": "dreaming"}, {"step": -1}, {"of": 2**31}, {"preview": "AAAA" * 200_000}, {"text": "x" * 50_000}],
    ids=lambda changed: next(iter(changed)),
)
async def test_progress_that_is_not_understood_or_past_all_bounds_is_not_heard(
    scene: SetUp, changed: dict[str, Any]
) -> None:
    bot, worker = await scene().both()
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        await worker.report_raw(1, {**PROGRESS, **changed})
        await worker.report(1, DONE)
        await until(lambda: reader.last_of(1))
    assert reader.of(1) == [DONE]


async def test_no_number_that_is_none_of_a_job_reaches_the_ledger(scene: SetUp) -> None:
    bot, worker = await scene().both()
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        for job_id in (-1, 2**63, 10**300, 1.5, None):
            for event in (PROGRESS, {"type": "finished"}, {"type": "geheim"}):
                await worker.report_raw(job_id, event)
        await worker.report(1, DONE)
        await until(lambda: reader.last_of(1))
    assert reader.reports == [(1, DONE)]
    await worker.offers({**worker.offer.model_dump(mode="json"), "held": [-1]})
    await ready(bot, 0)


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"{}", b'{"protocol":"x"}', b'{"protocol":9}', b"[" * 50_000, b'"' + b"x" * 2**20 + b'"'],
    ids=range(7),
)
async def test_an_offer_that_is_none_is_left_out_and_the_others_count(
    scene: SetUp, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    stage = scene()
    stranger = Puppet(stage.server, 66)
    await stage.server.sadd(keys.WORKERS, stranger.life, "nonsense", b"\xff")
    await stage.server.set(keys.offer_of(stranger.life), content)
    bot, _ = await stage.both(slots=2)
    await looked(bot, 5)
    assert caplog.text.count(stranger.life) == 1, "told once, not at every look"


async def test_a_worker_one_version_ahead_says_more_than_is_known_and_draws(scene: SetUp) -> None:
    bot, worker = await scene().both()
    content = {**json.loads(worker.offer.model_dump_json()), "slots": 3, "protocol": PROTOCOL + 1, "mood": "good"}
    label = {"ru": "к", "en": "k", "fr": "c"}
    abilities = {"flash": {"depth": 3}, "dream": {"native_size": "large"}}
    content["card"] = {"label": label, "abilities": abilities, "mood": "good"}
    timing = {"a_pass": 1.0, "developing": 1.0, "once": 1.0, "mood": 1.0}
    content["timings"] = {"basis": "", "kinds": {"dream": timing, "flash": timing}, "mood": "good"}
    await worker.offers(content)
    await ready(bot, 3)
    shown = (await bot.capacity()).card
    assert shown is not None and shown.kinds == ("flash",)
    recipe = {**picture()["recipe"], "mood": "good", "request": {**FLASH.model_dump(mode="json"), "mood": "good"}}
    async with reading(bot) as reader:
        await given(bot, worker, 1)
        await worker.report_raw(1, {**PROGRESS, "mood": "good"})
        await worker.report_raw(1, {"type": "finished", "pictures": [picture(recipe=recipe, mood="good")], "mood": 1})
        await until(lambda: reader.last_of(1))
    assert reader.of(1)[-1] == Finished.model_validate({"pictures": [picture()]})


async def test_a_worker_one_version_behind_draws_what_it_knows(scene: SetUp) -> None:
    stage = scene()
    bot, old = await stage.both(protocol=PROTOCOL - 1)
    sheet = Assignment(job_id=2, request=Sheet(of=FLASH, looks=(Look(suffix="x"), Look(suffix="y"))))
    await bot.submit(assignment(1))
    await bot.submit(sheet)
    await old.told(Submit(assignment=assignment(1)))
    new = await stage.worker()
    await new.told(Submit(assignment=sheet))
    assert await old.orders() == [Submit(assignment=assignment(1))]


async def test_workers_further_apart_than_a_version_are_left_out(scene: SetUp) -> None:
    bot, worker = await scene().both()
    for protocol in (PROTOCOL - 2, PROTOCOL + 2):
        await worker.beat(protocol=protocol)
        await ready(bot, 0)
        await worker.beat(protocol=PROTOCOL)
        await ready(bot, 2)


@pytest.fixture
def locked() -> Iterator[RedisServer]:
    server = RedisServer(password="geheim")
    server.start()
    yield server
    server.close()


async def test_a_wrong_password_is_one_clear_line(locked: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    bot = RedisDelivery(f"unix://:falsch@{locked.socket}")
    await bot.start()

    async def trouble() -> str | None:
        return (await bot.capacity()).trouble

    told = await until(trouble)
    await bot.close(0.0)
    assert f"unix://{locked.socket} refuses us" in told and "\n" not in told
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in lines] == [f"{told}; trying again"]
    assert "falsch" not in caplog.text
    with pytest.raises(QueueUnusable, match="refuses us"):
        await glance(f"unix://:falsch@{locked.socket}")
    assert await glance(f"unix://:geheim@{locked.socket}") == ({}, {})


async def test_a_server_that_is_away_is_a_trouble_until_it_returns(caplog: pytest.LogCaptureFixture) -> None:
    server = RedisServer()
    server.start()
    bot = RedisDelivery(server.url, presence_seconds=0.2)
    await bot.start()
    client = Redis.from_url(server.url)
    try:
        worker = Puppet(client, 1)
        await worker.beat()
        await ready(bot, 2)
        server.kill()
        await ready(bot, 0)

        async def trouble() -> str | None:
            return (await bot.capacity()).trouble

        assert "out of reach" in await until(trouble)
        await bot.cancel(5)
        server.start()
        await worker.beat()
        await ready(bot, 2)
        await until(lambda: bot._reach.trouble is None)
        assert caplog.text.count("out of reach") == 1
        reader = Reader()
        task = asyncio.create_task(reader.read(bot))
        await given(bot, worker, 9)
        await worker.report(9, DONE)
        await until(lambda: reader.last_of(9))
        task.cancel()
    finally:
        await bot.close(0.0)
        await client.aclose()
        server.close()
