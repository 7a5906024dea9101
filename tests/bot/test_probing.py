"""A doctor has each worker read what the bot stores and the other way round, and says in one line what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.app.parts import blobs_of
from bot.doctor import findings
from bot.settings import Settings, SettingsError
from inference.blobs import BlobStore
from inference.blobs.probing import NoQuestion, answer, answer_from, answer_to, new_question
from inference.queue.findings import Finding
from inference.queue.options import WorkerOptions
from inference.queue.transport.redis import keys, probing
from inference.queue.transport.redis.link import RedisLink
from inference.queue.transport.redis.offer import Offer
from inference.queue.wire import Hello, Probe, encode
from inference.worker.remote import serve_queue
from tests.inference.queue.conftest import redis_process, redis_url
from tests.waiting import until

__all__ = ["redis_process", "redis_url"]

ROOT = Path(__file__).parents[2]
Come = Callable[[Callable[[str], object] | None], Awaitable[str]]


@pytest.fixture
async def come(redis_url: str) -> AsyncIterator[Come]:
    """Workers that come to the server and answer probes as they are told to."""
    links: list[RedisLink] = []

    async def one(reply: Callable[[str], object] | None) -> str:
        life = keys.new_life(len(links) + 1)
        link = RedisLink(redis_url, life, Offer(code_version="1.0", host="rack", device="cpu", beat=0))
        if reply is not None:
            link.answers(reply)
        link.open()
        link.send(Hello(slots=1, pid=1))
        links.append(link)
        server = Redis.from_url(redis_url)
        await until(lambda: server.exists(keys.offer_of(life)))
        await server.aclose()
        return life

    yield one
    for link in links:
        await link.close()


async def pictures(folder: Path, redis_url: str) -> list[Finding]:
    settings = Settings(_env_file=None, data_dir=folder, bot_token=None, queue_url=redis_url)
    return [finding async for finding in findings(settings) if finding.subject == "pictures"]


def left(folder: Path) -> list[Path]:
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]


async def test_workers_that_share_the_store_are_well_and_nothing_stays_there(
    come: Come, redis_url: str, tmp_path: Path
) -> None:
    store = str(tmp_path / "blobs")
    lives = [await come(partial(answer_from, store)) for _worker in range(3)]
    found = await pictures(tmp_path, redis_url)
    assert [finding.ok for finding in found] == [True] * 3
    assert all(any(life in finding.words for finding in found) for life in lives)
    assert left(tmp_path) == []


async def test_a_worker_that_means_another_place_is_told_which_side_does_not_see_what(
    come: Come, redis_url: str, tmp_path: Path
) -> None:
    store, elsewhere = str(tmp_path / "blobs"), str(tmp_path / "elsewhere")

    def reads_here_and_writes_there(digest: str) -> None:
        question = BlobStore(store).get(digest)
        BlobStore(elsewhere).put(answer_to(question))

    def lies(digest: str) -> None:
        pass

    await come(partial(answer_from, elsewhere))
    await come(reads_here_and_writes_there)
    await come(lies)
    found = await pictures(tmp_path, redis_url)
    assert [finding.ok for finding in found] == [False] * 3
    words = sorted(finding.words for finding in found)
    assert sum("it does not see what the bot has stored" in said for said in words) == 1
    assert sum("the bot does not see what" in said for said in words) == 2
    assert all("BLOBS_URL" in said and "\n" not in said for said in words)
    assert left(tmp_path) == []


async def test_a_store_that_fails_a_worker_a_silent_one_and_an_older_version_are_told_apart(
    come: Come, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "ANSWER_SECONDS", 0.3)
    ending = threading.Event()

    def refuses(_digest: str) -> None:
        raise PermissionError("https://key:geheim@store says no")

    await come(refuses)
    await come(lambda _digest: ending.wait(60.0))
    await come(None)
    try:
        found = await pictures(tmp_path, redis_url)
    finally:
        ending.set()
    by_words = {finding.ok: str(finding) for finding in found if "says no" not in finding.words}
    (refused,) = [str(finding) for finding in found if "says no" in finding.words]
    assert "geheim" not in refused and "PermissionError" in refused
    assert "has not answered in 0 s" in by_words[False]
    assert "is not asked" in by_words[None]


async def test_a_worker_that_shares_no_store_sends_pictures_through_the_queue(redis_url: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, queue_url=redis_url, blobs_url="queue://")
    (found,) = [finding async for finding in findings(settings) if finding.subject == "pictures"]
    assert found.ok and "through the queue's server" in found.words
    with pytest.raises(SettingsError, match="is for workers"):
        blobs_of(settings)


async def test_nobody_to_share_with_and_a_store_that_takes_nothing(redis_url: str, tmp_path: Path) -> None:
    (alone,) = await pictures(tmp_path, redis_url)
    assert alone.ok and "nobody is there" in alone.words
    (tmp_path / "file").write_text("in the way")
    settings = Settings(
        _env_file=None, data_dir=tmp_path, bot_token=None, queue_url=redis_url, blobs_url=str(tmp_path / "file" / "x")
    )
    (ill,) = [finding async for finding in findings(settings) if finding.subject == "pictures"]
    assert ill.ok is False and "the bot cannot use" in ill.words


@pytest.mark.parametrize("said", [b"{", b'{"trouble": 3}', b" " * 10_000, b'{"trouble": "' + b"x" * 3000 + b'"}'])
async def test_a_word_that_is_none_is_no_more_than_that(redis_url: str, said: bytes) -> None:
    server, life = Redis.from_url(redis_url), keys.new_life(1)
    asking = asyncio.create_task(probing.probe(server, life, "0" * 64))
    other = Redis.from_url(redis_url)

    async def asked() -> Any:
        entries: Any = await other.xrange(keys.inbox_of(life))
        return entries[0][1][b"line"] if entries else None

    token = Probe.model_validate_json(await until(asked)).token
    await other.rpush(keys.word_of(token), said)
    assert "word" in str(await asking)
    assert await other.exists(keys.word_of(token)) == 0
    await server.aclose()
    await other.aclose()


async def test_many_probes_at_once_are_passed_over_and_the_worker_draws_on(
    come: Come, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    ending, begun = threading.Event(), threading.Semaphore(0)

    def slowly(_digest: str) -> None:
        begun.release()
        ending.wait(60.0)

    life = await come(slowly)
    server = Redis.from_url(redis_url)
    for number in range(10):
        order = encode(Probe(blob="0" * 64, token=f"{number:016x}"))
        await server.xadd(keys.inbox_of(life), {"line": order})
    await until(lambda: caplog.text.count("a probe of the store too many") == 10 - probing.MOST_AT_ONCE)
    ending.set()
    await server.aclose()


async def test_a_real_worker_answers_though_its_engine_is_not_ready(redis_url: str, tmp_path: Path) -> None:
    engine = (sys.executable, "-c", "import time; time.sleep(600)")
    options = WorkerOptions(blobs_url=str(tmp_path / "blobs"), engine=engine)
    working = asyncio.create_task(serve_queue(redis_url, options))

    async def well() -> bool:
        return [finding.ok for finding in await pictures(tmp_path, redis_url) if "nobody" not in finding.words] == [
            True
        ]

    await until(well)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


def test_only_questions_are_answered(tmp_path: Path) -> None:
    store = BlobStore(str(tmp_path))
    for content in (b"a picture", new_question() + b"!", b"x" * 100_000):
        with pytest.raises(NoQuestion):
            answer(store, store.put(content))
    with pytest.raises(ValueError, match="hexadecimal"):
        answer(store, "../../etc/passwd")


NOTHING_TO_DRAW_WITH = """
import sys
NAMES = {"torch", "diffusers", "transformers", "safetensors", "huggingface_hub", "sentencepiece", "accelerate"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in NAMES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def test_where_nothing_is_installed_to_draw_with_a_doctor_says_so_and_does_not_break(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NOTHING_TO_DRAW_WITH)
    (tmp_path / "data" / "blobs").mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "DATA_DIR": str(tmp_path / "data")}
    environment.pop("BOT_TOKEN", None)
    command = [sys.executable, "-m", "bot", "doctor"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.returncode == 1
    assert "MISSING  torch" in ended.stdout and "none will work" in ended.stdout
    assert "MISSING  engine     will not draw" in ended.stdout
    assert "bot and the engine read what the other one stores" in ended.stdout
    assert left(tmp_path / "data") == []
