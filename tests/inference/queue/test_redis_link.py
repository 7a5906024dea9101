"""The worker's side of a Redis server, without an engine."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from inference.queue.health import look
from inference.queue.options import WorkerOptions
from inference.queue.transport import JobReport
from inference.queue.transport.redis import keys, link
from inference.queue.transport.redis.delivery import RedisDelivery
from inference.queue.transport.redis.glance import glance
from inference.queue.transport.redis.link import RedisLink
from inference.queue.transport.redis.offer import Offer, read_offer
from inference.queue.wire import (
    Cancel,
    Configure,
    DownMessage,
    Drain,
    Hello,
    Report,
    Submit,
    Trouble,
    decode_down,
    decode_up,
    encode,
)
from inference.requests import Failed, Finished, Progress, Started
from inference.worker import process as worker_process
from tests.inference.queue.delivery_contract import assignment, reading, ready
from tests.inference.queue.test_delivery_local import options
from tests.inference.queue.test_redis_rules import card
from tests.redis_server import RedisServer
from tests.waiting import until

ROOT = Path(__file__).parents[3]
DONE = Finished(pictures=())


class Ends:
    """A link, and a hand of the test's at the other end."""

    def __init__(self, url: str) -> None:
        self.server: Any = Redis.from_url(url)
        self.life = keys.new_life(1)
        self.link = RedisLink(url, self.life, Offer(code_version="test", host="here", device="cpu", beat=0))

    async def order(self, line: bytes, field: str = "line") -> None:
        await self.server.xadd(keys.inbox_of(self.life), {field: line})

    async def reports(self) -> list[JobReport]:
        lines = [decode_up(fields[b"line"]) for _, fields in await self.server.xrange(keys.UP)]
        return [message.report for message in lines if isinstance(message, Report)]

    async def offer(self) -> Offer:
        return read_offer(await self.server.get(keys.offer_of(self.life)))


@pytest.fixture
async def ends(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ends]:
    monkeypatch.setattr(link, "BEAT_SECONDS", 0.05)
    both = Ends(redis_url)
    both.link.open()
    yield both
    await both.link.close()
    await both.server.aclose()


async def test_orders_come_in_order_and_are_read_once(ends: Ends) -> None:
    orders: list[DownMessage] = [Submit(assignment=assignment(1)), Submit(assignment=assignment(2)), Cancel(job_id=1)]
    for order in orders:
        await ends.order(encode(order))
    assert [decode_down(await ends.link.line() or b"") for _ in orders] == orders

    async def read() -> bool:
        return not await ends.server.xlen(keys.inbox_of(ends.life))

    await until(read)


async def test_it_offers_what_it_holds_until_the_last_report_is_on_the_server(ends: Ends) -> None:
    ends.link.send(Hello(slots=3, pid=1, card=card("flash")))
    await ends.order(encode(Submit(assignment=assignment(5))))
    await ends.link.line()

    async def holds(*jobs: int) -> bool:
        offer = await ends.offer()
        return offer.held == set(jobs) and offer.slots == 3 and offer.card == card("flash")

    await until(lambda: holds(5))
    ends.link.send(Report(report=JobReport(job_id=5, event=Started())))
    ends.link.send(Report(report=JobReport(job_id=5, event=DONE)))
    await ends.link.flush()
    assert [report.event for report in await ends.reports()] == [Started(), DONE]
    await until(lambda: holds())
    assert await ends.server.ttl(keys.offer_of(ends.life)) <= keys.PRESENCE_SECONDS


async def test_why_it_has_no_slots_stands_in_its_offer_until_it_has(ends: Ends) -> None:
    ends.link.send(Trouble(why="ValueError: cut in half"))

    async def trouble() -> str | None:
        return (await ends.offer()).trouble

    assert await until(trouble) == "ValueError: cut in half"
    ends.link.send(Hello(slots=1, pid=1))

    async def over() -> bool:
        return await trouble() is None

    await until(over)


async def test_who_closes_leaves_nothing_of_itself_on_the_server(redis_url: str) -> None:
    both = Ends(redis_url)
    both.link.open()
    await both.order(encode(Cancel(job_id=1)))
    await both.link.line()
    await both.link.close()
    assert await both.link.line() is None
    assert await both.server.keys("*") == [keys.MARKER.encode()]
    await both.server.aclose()


NONSENSE = [b"", b"\xff", b"[" * 100_000, b'{"type":"submit"}', b'{"type":"submit","assignment":{"job_id":[1]}}', b"7"]


async def test_whatever_stands_in_its_inbox_the_next_order_is_heard(ends: Ends) -> None:
    for line in (*NONSENSE, encode(Drain(grace_seconds=0)), encode(Configure(options=WorkerOptions()))):
        await ends.order(line)
    await ends.order(b"x", field="word")
    await ends.order(b"x" * (8 * 2**20 + 1))
    await ends.order(encode(Cancel(job_id=1)))
    assert decode_down(await ends.link.line() or b"") == Cancel(job_id=1)
    assert await ends.reports() == []


async def test_an_order_of_another_version_fails_its_job_alone(ends: Ends) -> None:
    order: dict[str, Any] = json.loads(encode(Submit(assignment=assignment(4))))
    order["assignment"]["mood"] = "geheim"
    await ends.order(json.dumps(order).encode())
    await ends.order(encode(Submit(assignment=assignment(5))))
    assert decode_down(await ends.link.line() or b"") == Submit(assignment=assignment(5))
    [report] = await until(ends.reports)
    assert report.job_id == 4 and isinstance(report.event, Failed)
    assert "mood" in report.event.message and "geheim" not in report.event.message


async def test_progress_is_dropped_while_nobody_reads_and_nothing_else_is(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "BEHIND", 3)
    for _ in range(5):
        await ends.server.xadd(keys.UP, {"life": "x", "line": encode(Hello(slots=0, pid=1))})
    await until(lambda: ends.link._behind)
    for event in (Started(), Progress(stage="drawing", step=1, of=2), DONE):
        ends.link.send(Report(report=JobReport(job_id=1, event=event)))
    await ends.link.flush()
    assert [report.event for report in await ends.reports()] == [Started(), DONE]
    await ends.server.delete(keys.UP)
    await until(lambda: not ends.link._behind)


def worker(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "inference", "worker", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=environment.get("HOME", "/"),
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_wrong_password_ends_a_worker_with_one_clear_line(tmp_path: Path) -> None:
    server = RedisServer(password="geheim")
    server.start()
    try:
        file = tmp_path / "address"
        file.write_text(f"unix://:falsch@{server.socket}\n")
        ended = worker(HOME=str(tmp_path), QUEUE_URL_FILE=str(file))
    finally:
        server.close()
    assert ended.returncode == 2 and "refuses us" in ended.stderr and ended.stderr.count("\n") == 1
    assert "falsch" not in ended.stdout + ended.stderr


async def test_a_worker_of_its_own_says_what_it_can_draw_and_goes_at_a_signal(redis_url: str, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(ROOT), "DATA_DIR": str(tmp_path / "data"), "DEVICE": "cpu"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "inference", "worker", "--queue", redis_url],
            env={**os.environ, **environment},
            cwd=tmp_path,
            stderr=log,
        )
    try:

        async def offers() -> dict[str, Offer]:
            return (await glance(redis_url))[0]

        [offer] = (await until(offers)).values()
        sign = tmp_path / "data" / "worker.health"
        await until(lambda: look(sign, 15).alive)
        assert offer.card is not None and "flash" in offer.card.kinds and offer.device == "cpu"
        process.send_signal(signal.SIGINT)  # while its engine is still on the way up
        assert await asyncio.to_thread(process.wait, 60) == 0, (tmp_path / "log").read_text()
        assert await offers() == {} and not look(sign, 15).alive
    finally:
        process.kill()
        process.wait()


async def test_a_worker_that_is_asked_to_go_takes_nothing_new_and_delivers_what_it_draws_before_it_ends(
    redis_url: str, tmp_path: Path
) -> None:
    pretended = options(tmp_path, slots=2, steps=20, step_seconds=0.05).model_copy(
        update={"shutdown_grace_seconds": 60.0}
    )
    command = ["tests.chaos.remote_worker", "--queue", redis_url, "--presence", "15"]
    command += ["--worker", pretended.model_dump_json()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    bot = RedisDelivery(redis_url)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=tmp_path, env=environment, stderr=log)
    try:
        await bot.start()
        await ready(bot, 2)
        [life] = (await glance(redis_url))[0]
        async with reading(bot) as reader:
            await bot.submit(assignment(1), life)
            await until(lambda: Started() in reader.of(1))
            process.send_signal(signal.SIGTERM)
            await ready(bot, 0)
            server: Any = Redis.from_url(redis_url)
            await server.xadd(keys.inbox_of(life), {"line": encode(Submit(assignment=assignment(2)))})
            await server.aclose()
            assert isinstance(await until(lambda: reader.last_of(1)), Finished)
        assert await asyncio.to_thread(process.wait, 60) == 0, (tmp_path / "log").read_text()
        assert (await glance(redis_url))[0] == {}
        runs = [json.loads(line) for line in (tmp_path / "runs").read_text().splitlines()]
        assert [(run["what"], run["job"]) for run in runs] == [("start", 1), ("end", 1)]
    finally:
        process.kill()
        process.wait()
        await bot.close(0.0)


def test_a_worker_that_ends_leaves_its_garbage_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "remote_worker", lambda queue: None)
    try:
        worker_process.worker_command(fd=None, queue="redis://nowhere")
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


async def test_only_what_the_server_has_taken_is_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "BEAT_SECONDS", 0.05)
    server = RedisServer()
    server.start()
    heard: list[Offer] = []
    offer = Offer(code_version="test", host="here", device="cpu", beat=0)
    ours = RedisLink(server.url, keys.new_life(1), offer, on_beat=heard.append)
    ours.open()
    try:
        await until(lambda: len(heard) > 1)
        server.kill()
        silent = len(heard)
        ours.send(Hello(slots=3, pid=1))
        await until(lambda: ours._reach.trouble is not None)
        assert len(heard) <= silent + 1 and not any(offer.slots for offer in heard)
        server.start()
        await until(lambda: heard[-1].slots == 3)
    finally:
        await ours.close()
        server.close()
