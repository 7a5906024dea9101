"""What is counted, and what is told when somebody asks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiogram import Dispatcher as Updates
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.methods import SendMessage
from aiogram.types import Update
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.metrics.door import metrics_door
from bot.metrics.figures import Figures
from bot.metrics.lag import EVERY_SECONDS, measure_lag
from bot.metrics.names import Counted
from bot.metrics.workers import WorkerNames
from bot.settings import SettingsError
from bot.telegram.notices import Notices
from bot.telegram.outbox import Outbox
from inference.queue import figures as worker_figures
from inference.queue.database import open_database
from inference.queue.dispatcher import Dispatcher
from inference.queue.figures import WorkerSeen
from inference.queue.ledger import Ledger
from inference.requests import Failed, Started
from tests.bot.ready_made import migrated
from tests.bot.wire import scripted_bot
from tests.inference.queue.jobs import CRASH_ALONE, DONE, FLASH, FULL, WORKER_GONE, queued
from tests.inference.queue.memory import MemoryDelivery
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[3]
Labels = dict[str, str]


def told(text: bytes) -> dict[str, dict[tuple[str, ...], float]]:
    """Samples by name and the values of their labels, in the order of the labels' names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            values = tuple(sample.labels[name] for name in sorted(sample.labels))
            found.setdefault(sample.name, {})[values] = sample.value
    return found


class Scene:
    """A queue without a worker, a bot without a Telegram, and their figures."""

    def __init__(self, database: AsyncEngine, folder: Path) -> None:
        self.bot, self.session = scripted_bot()
        self.outbox = Outbox()
        self.session.middleware(self.outbox)
        self.ledger = Ledger(database)
        self.delivery = MemoryDelivery(slots=2)
        self.queue = Dispatcher(self.ledger, self.delivery)
        self.updates = Updates()
        self.figures = Figures()
        self.notices = Notices(self.bot, ())
        chores = self.figures.attend(self.bot, self.updates, self.queue, self.outbox, self.notices, database, folder)
        self.tasks = [asyncio.create_task(chore()) for chore in chores]

    async def told(self) -> dict[str, dict[tuple[str, ...], float]]:
        return told(await self.figures.text())

    async def ends(self) -> dict[tuple[str, ...], float]:
        finished = (await self.told())["studio_jobs_finished_total"]
        return {labels: count for labels, count in finished.items() if count}


@asynccontextmanager
async def played(database: AsyncEngine, folder: Path) -> AsyncIterator[Scene]:
    scene = Scene(database, folder)
    await scene.queue.start()
    yield scene
    await scene.queue.close(0.0)
    for task in scene.tasks:
        task.cancel()
    await asyncio.gather(*scene.tasks, return_exceptions=True)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    database = open_database(migrated(tmp_path / "studio.db"))
    async with played(database, tmp_path) as scene:
        yield scene
    await database.dispose()


@pytest.fixture
async def either_scene(database: AsyncEngine, tmp_path: Path) -> AsyncIterator[Scene]:
    """On SQLite, and on PostgreSQL."""
    async with played(database, tmp_path) as scene:
        yield scene


def seen(life: str, host: str = "rack", device: str = "cuda:0", **more: Any) -> WorkerSeen:
    return WorkerSeen(life=life, host=host, device=device, version="1.0", slots=2, jobs=1, **more)


# Jobs


async def test_jobs_are_counted_by_how_they_ended_and_timed_by_their_kind(either_scene: Scene) -> None:
    scene = either_scene
    first, second = [await queued(scene.ledger, owner, FLASH) for owner in (1, 2)]
    scene.queue.wake()
    await until(lambda: scene.delivery.ids() == [first, second])
    scene.delivery.report(first, Started())
    scene.delivery.report(first, DONE)
    scene.delivery.report(second, Started())
    scene.delivery.report(second, Failed(code="internal", message="it broke"))
    third = await queued(scene.ledger, 3, FULL)
    scene.queue.wake()
    await until(lambda: third in scene.delivery.ids())
    await scene.queue.cancel(third)
    ends = {("flash", "done"): 1.0, ("flash", "failed"): 1.0, ("full", "cancelled"): 1.0}

    async def counted() -> bool:
        return await scene.ends() == ends

    await until(counted)
    figures = await scene.told()
    assert figures["studio_wait_seconds_count"] == {("flash",): 2.0}, "what never began has not waited for a start"
    assert figures["studio_draw_seconds_count"] == {("flash",): 1.0}


async def test_runs_in_vain_are_counted_by_their_cause_and_three_crashes_are_a_dead_job(scene: Scene) -> None:
    job = await queued(scene.ledger)
    for crashes in range(1, 4):
        scene.queue.wake()
        await until(lambda times=crashes: scene.delivery.ids() == [job] * times)
        scene.delivery.report(job, Started())
        scene.delivery.report(job, CRASH_ALONE)

        async def back(times: float = crashes) -> bool:
            return (await scene.told())["studio_crashes_total"][()] == times

        await until(back)
    await until(lambda: _dead(scene))
    figures = await scene.told()
    assert figures["studio_reruns_total"][("engine_crashed",)] == 3.0
    assert figures["studio_reruns_total"][("drained",)] == 0.0


async def _dead(scene: Scene) -> bool:
    return await scene.ends() == {("flash", "dead"): 1.0}


async def test_a_run_that_is_lost_or_may_go_better_is_one_in_vain_and_one_that_was_cancelled_is_not(
    scene: Scene,
) -> None:
    lost, failed, cancelled = [await queued(scene.ledger, owner) for owner in (1, 2, 3)]
    scene.delivery.slots = 3
    scene.delivery.deaf = True
    scene.queue.wake()
    await until(lambda: sorted(scene.delivery.ids()) == [lost, failed, cancelled])
    scene.delivery.slots = 0
    await scene.queue.cancel(cancelled)
    scene.delivery.report(lost, WORKER_GONE)
    scene.delivery.report(failed, Failed(code="internal", message="for now", retryable=True))
    scene.delivery.report(cancelled, WORKER_GONE)
    await until(lambda: _cancelled(scene))
    reruns = (await scene.told())["studio_reruns_total"]
    assert {cause: count for cause, count in reruns.items() if count} == {("worker_gone",): 1.0, ("retry",): 1.0}


async def _cancelled(scene: Scene) -> bool:
    return await scene.ends() == {("flash", "cancelled"): 1.0}


async def test_what_has_not_ended_is_told_by_its_state_with_the_age_of_the_oldest(either_scene: Scene) -> None:
    scene = either_scene
    scene.delivery.slots = 0
    await until(lambda: scene.queue.slots == 0)
    for owner in (1, 2):
        await queued(scene.ledger, owner)
    await queued(scene.ledger, 3, context={"by_program": True})
    figures = await scene.told()
    jobs = figures["studio_jobs"]
    assert (jobs["chat", "queued"], jobs["api", "queued"], jobs["api", "running"]) == (2.0, 1.0, 0.0)
    assert 0.0 <= figures["studio_oldest_waiting_seconds"][()] < 60.0
    assert figures["studio_slots"] == {(): 0.0}
    assert figures["studio_leads"] == {(): 1.0}
    assert figures["studio_database_seconds"][()] > 0.0
    assert figures["studio_disk_free_bytes"][()] <= figures["studio_disk_total_bytes"][()]


async def test_trouble_is_told_by_its_cause(scene: Scene) -> None:
    scene.delivery.slots, scene.delivery.trouble = 0, "no card"
    await until(lambda: scene.queue.trouble is not None)
    assert (await scene.told())["studio_trouble"] == {
        ("engine",): 1.0, ("queue",): 0.0, ("ledger",): 0.0, ("store",): 0.0,
    }  # fmt: skip


async def test_a_database_that_does_not_answer_costs_its_figures_and_no_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_studio: object) -> None:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr("bot.metrics.figures._Studio.jobs", refuse)
    figures = await scene.told()
    assert "studio_jobs" not in figures and "studio_database_seconds" not in figures
    assert figures["studio_slots"] == {(): 2.0}
    assert figures["studio_scrape_failures_total"][("database",)] == 1.0


async def test_jobs_that_cannot_be_looked_up_are_missed_and_counted_as_that(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_ends: object, _ids: object) -> None:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    with monkeypatch.context() as patch:
        patch.setattr("bot.metrics.ends.Ends._count", refuse)
        await scene.queue.cancel(await queued(scene.ledger))

        async def missed() -> bool:
            return (await scene.told())["studio_scrape_failures_total"][("jobs",)] == 1.0

        await until(missed)
    await scene.queue.cancel(await queued(scene.ledger))
    await until(lambda: _cancelled(scene))


# Telegram


async def test_every_try_of_a_call_is_counted_by_what_became_of_it(scene: Scene) -> None:
    def flooded(method: Any) -> TelegramRetryAfter:
        return TelegramRetryAfter(method=method, message="Too Many Requests", retry_after=0)

    def gone(method: Any) -> TelegramForbiddenError:
        return TelegramForbiddenError(method=method, message="Forbidden: bot was blocked by the user")

    def wrong(method: Any) -> TelegramBadRequest:
        return TelegramBadRequest(method=method, message="Bad Request: who knows")

    person = 71_002_003_004_005  # more digits than any figure shares with it by chance
    scene.session.script["sendMessage"] = [flooded, gone, wrong]
    for _again in range(2):
        with pytest.raises((TelegramForbiddenError, TelegramBadRequest)):
            await scene.bot(SendMessage(chat_id=person, text="a secret"))
    await scene.bot(SendMessage(chat_id=person, text="a secret"))
    text = await scene.figures.text()
    calls = {labels: count for labels, count in told(text)["studio_telegram_calls_total"].items() if count}
    assert calls == {
        ("sendMessage", "flood"): 1.0,
        ("sendMessage", "blocked"): 1.0,
        ("sendMessage", "other"): 1.0,
        ("sendMessage", "ok"): 1.0,
    }
    assert told(text)["studio_telegram_retry_after_seconds_count"] == {(): 1.0}
    assert str(person).encode() not in text and b"secret" not in text


@pytest.mark.filterwarnings("ignore:Detected unknown update type")
@pytest.mark.parametrize(
    ("update", "kind"),
    [
        ({"message": {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}, "text": "hi"}}, "message"),
        ({"something_of_next_year": {"id": "a stranger's"}}, "unknown"),
    ],
)
async def test_updates_are_counted_by_kinds_that_are_known(scene: Scene, update: dict[str, Any], kind: str) -> None:
    await scene.updates.feed_update(scene.bot, Update.model_validate({"update_id": 1, **update}))
    figures = await scene.told()
    assert figures["studio_updates_total"] == {(kind,): 1.0}
    assert figures["studio_handler_seconds_count"] == {(): 1.0}


async def test_causes_of_notices_are_counted_told_or_not(scene: Scene) -> None:
    for _again in range(3):
        scene.notices.tell("dead", "job 17")
    notices = (await scene.told())["studio_notices_total"]
    assert notices[("dead",)] == 3.0 and notices[("engine",)] == 0.0
    await scene.notices.close()


async def test_a_loop_that_stands_still_shows() -> None:
    registry = CollectorRegistry()
    counted = Counted(registry)
    task = asyncio.create_task(measure_lag(counted.lag))
    await asyncio.sleep(0)
    begun = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() < begun + EVERY_SECONDS + 0.3:
        pass
    lag = "studio_event_loop_lag_seconds"
    await until(lambda: told(generate_latest(registry))[f"{lag}_count"][()] >= 1.0)
    assert told(generate_latest(registry))[f"{lag}_sum"][()] >= 0.25
    task.cancel()


# Workers


async def test_workers_are_told_by_their_place_and_one_that_has_left_is_told_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[WorkerSeen] = []
    monkeypatch.setattr(MemoryDelivery, "seen", lambda _delivery: tuple(there))
    figures = worker_figures.Figures(
        steps=40, passes=10, busy_seconds=2.5, memory_used=5, memory_total=8, nets=("movq", "flash"), restarts=1
    )
    there += [seen("rack:1:aaaaaaaa", figures=figures), seen("rack:2:bbbbbbbb"), seen("old:3:cccccccc", refused="no")]
    now = await scene.told()
    assert now["studio_workers"] == {("1.0",): 2.0} and now["studio_workers_refused"] == {(): 1.0}
    assert now["studio_worker_slots"] == {("rack/cuda:0",): 2.0, ("rack/cuda:0#2",): 2.0}
    assert now["studio_worker_steps_total"] == {("rack/cuda:0",): 40.0}
    assert now["studio_worker_busy_seconds_total"] == {("rack/cuda:0",): 2.5}
    assert now["studio_worker_memory_bytes"] == {("rack/cuda:0",): 5.0}
    assert now["studio_worker_restarts_total"] == {("rack/cuda:0",): 1.0}
    assert now["studio_worker_net_loaded"] == {("flash", "rack/cuda:0"): 1.0, ("movq", "rack/cuda:0"): 1.0}
    del there[0]
    now = await scene.told()
    assert now["studio_worker_slots"] == {("rack/cuda:0#2",): 2.0}, "who stays keeps the name"
    assert "studio_worker_steps_total" not in now
    there.clear()
    assert "studio_worker_slots" not in await scene.told()


def test_a_worker_that_is_started_again_has_its_name_again_and_names_do_not_pile_up() -> None:
    names = WorkerNames()
    for life in range(1000):
        assert names.of([seen(f"rack:{life}:aaaaaaaa")]) == {f"rack:{life}:aaaaaaaa": "rack/cuda:0"}
    many = [seen(f"rack:{life}:bbbbbbbb") for life in range(3)]
    assert sorted(names.of(many).values()) == ["rack/cuda:0", "rack/cuda:0#2", "rack/cuda:0#3"]
    assert names.of(many[1:]) == {"rack:1:bbbbbbbb": "rack/cuda:0#2", "rack:2:bbbbbbbb": "rack/cuda:0#3"}
    assert names.of([*many[1:], seen("rack:9:cccccccc")])["rack:9:cccccccc"] == "rack/cuda:0"


# The door


async def test_it_answers_before_there_is_a_studio_and_only_where_it_is_told() -> None:
    port = free_port()
    async with metrics_door("127.0.0.1", port), aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert told(await answer.read())["studio_leads"] == {(): 0.0}
        for path, method in (("/", "GET"), ("/metrics", "POST"), ("/health", "GET")):
            async with session.request(method, f"http://127.0.0.1:{port}{path}") as answer:
                assert answer.status in (404, 405)
        with pytest.raises(SettingsError) as taken:
            async with metrics_door("127.0.0.1", port):
                pass
        assert taken.value.variable == "METRICS_PORT" and str(port) in taken.value.advice


async def test_several_who_ask_at_once_are_all_answered(scene: Scene) -> None:
    texts = await asyncio.gather(*(scene.figures.text() for _each in range(20)))
    assert all(b"studio_slots 2.0" in text for text in texts)


def test_nothing_of_it_is_imported_by_a_bot_that_is_not_asked() -> None:
    code = "import sys, bot.app; assert not [name for name in sys.modules if 'prometheus' in name], sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=100)
