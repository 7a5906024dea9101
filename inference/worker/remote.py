"""A worker on any machine: it finds its work on a Redis server and outlives every bot.

Its options are the variables of `.env.example` that concern the engine, in the environment or in a `.env` file beside
it; weights and pictures lie where these say. BLOBS_URL=queue:// is for one that shares no store with the bot.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from inference.blobs.probing import answer_from
from inference.engine.family import card_of
from inference.families import FAMILIES
from inference.queue.address import BY_QUEUE, LOCAL, QueueSettings, has_password, shown_queue_url
from inference.queue.environment import READ, REFUSALS, refused
from inference.queue.health import Pulse
from inference.queue.logs import log_as
from inference.queue.options import WorkerOptions, WorkerSettings
from inference.queue.secret_files import SECRET, WithSecretFiles
from inference.queue.version import code_version
from inference.worker.engine_parent import EngineParent

log = logging.getLogger(__name__)


class RemoteError(Exception):
    """Why a worker cannot begin, in one line for whoever started it, without a secret."""


class RemoteSettings(WorkerSettings, QueueSettings, WithSecretFiles):
    """What a worker far from its bot is told by its owner; a variable of the environment wins over `.env`."""

    model_config = READ

    data_dir: Path = Path("data")
    blobs_url: Annotated[str, Field(repr=False), SECRET] = ""
    weights_dir: Path | None = None
    health_file: Path | None = None

    @property
    def sign_of_life(self) -> Path:
        """The file in which this worker says that it lives. Where none is named, whoever draws on a card of its own
        (cuda:1) has one of its own."""
        card = self.device.partition(":")[2]
        usual = self.data_dir / (f"worker-{card}.health" if card else "worker.health")
        return (self.health_file or usual).expanduser().absolute()

    @field_validator("blobs_url")
    @classmethod
    def _by_the_queue(cls, url: str) -> str:
        if url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError(f"pictures go through the server of QUEUE_URL; write {BY_QUEUE} for that")
        return url

    @property
    def options(self) -> WorkerOptions:
        """What worker and engine are told."""
        data = self.data_dir.expanduser().absolute()
        weights = self.weights_dir or data / "weights"
        return WorkerOptions(
            **self.model_dump(include=set(WorkerSettings.model_fields)),
            blobs_url=self.queue_url if self.blobs_url == BY_QUEUE else self.blobs_url or str(data / "blobs"),
            weights_dir=weights.expanduser().absolute(),
            timings_file=data / "timings.json",
            scratch_dir=data / "scratch",
        )


def remote_settings(queue: str | None) -> RemoteSettings:
    """The settings, with the address of a command line if there is one. Raises RemoteError."""
    if queue is not None and has_password(queue):
        raise RemoteError(
            "--queue: everybody on this machine can read a command line; put an address with a password into QUEUE_URL "
            "or into a file that QUEUE_URL_FILE names"
        )
    try:
        given: dict[str, Any] = {} if queue is None else {"queue_url": queue}
        return RemoteSettings(**given)
    except REFUSALS as refusal:
        raise RemoteError(": ".join(refused(refusal))) from None


async def serve_queue(
    url: str, options: WorkerOptions, *, presence_seconds: float | None = None, sign_of_life: Path | None = None
) -> None:
    """Draws what comes over the queue until SIGTERM or SIGINT has been obeyed. That the queue hears of it is told in
    the file `sign_of_life`, if there is one. Raises RemoteError."""
    try:
        from inference.queue.transport.redis import keys
        from inference.queue.transport.redis.link import RedisLink
        from inference.queue.transport.redis.offer import Offer
    except ModuleNotFoundError as absent:
        raise RemoteError(f"QUEUE_URL: {absent.name} is not installed; pip install '.[redis]' brings it") from None
    card = None if options.engine else card_of(FAMILIES, options)
    offer = Offer(code_version=code_version(), host=keys.host_name(), device=options.device, beat=0, card=card)
    life = keys.new_life(os.getpid())
    pulse = None if sign_of_life is None else Pulse(sign_of_life)

    def beaten(taken: Offer) -> None:
        if pulse is not None:
            words = taken.trouble or f"the queue has taken a beat of {life}, with {taken.slots} slots"
            pulse.beat(words, ready=taken.slots > 0)

    try:
        presence = presence_seconds or keys.PRESENCE_SECONDS
        link = RedisLink(url, life, offer, presence_seconds=presence, on_beat=beaten)
    except ValueError as unknown:
        raise RemoteError(f"QUEUE_URL: {unknown}") from None
    try:
        if (refusal := await link.refusal()) is not None:
            raise RemoteError(f"QUEUE_URL: {refusal}")
        log.info("worker %s draws for %s", life, shown_queue_url(url))
        if options.blobs_url != url:  # pictures that go through the queue lie in no store of ours to be asked about
            link.answers(partial(answer_from, options.blobs_url))
        parent = EngineParent(link, options, card)
        _on_signals(lambda: parent.drain(options.shutdown_grace_seconds))
        link.open()
        await parent.run()
    finally:
        await link.close()
        if pulse is not None:
            pulse.stop()


def remote_worker(queue: str | None) -> None:
    """`python -m inference worker --queue …`. Returns when it was asked to stop. Raises RemoteError."""
    settings = remote_settings(queue)
    if settings.queue_url == LOCAL:
        raise RemoteError(
            "A worker beside the bot is started by the bot (python -m bot), which tells it what to do over a socket. "
            "On another machine name the queue: --queue redis://host:6379, or QUEUE_URL."
        )
    log_as("worker", settings.log_level, settings.log_format)
    asyncio.run(serve_queue(settings.queue_url, settings.options, sign_of_life=settings.sign_of_life))


def _on_signals(drain: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, drain)
