"""The worker: a process between the queue and the engine child that owns the device.

It never touches a tensor, so its event loop is always free to listen, and it outlives whatever happens to the device.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from inference.checkpoints.language import BEAUTIFIER, TRANSLATOR, language_models
from inference.checkpoints.store import MissingWeights, model_card
from inference.engine_parent import EngineOptions, EngineParent
from inference.queue.redaction import log_as
from inference.queue.wire import die_with_parent, open_link
from inference.requests import ModelCard


async def run_worker(fd: int, options: EngineOptions, *, card: ModelCard | None = None, grace_seconds: float) -> None:
    """Serves the bot at the other end of the socket `fd` until it is gone, or until SIGTERM has been obeyed.

    `card` is offered until the engine brings its own; `grace_seconds` is what SIGTERM leaves to running jobs.
    """
    up = await open_link(socket.socket(fileno=fd))
    parent = EngineParent(up, options, card)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, parent.drain, grace_seconds)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is the bot's, which tells us what to do
    try:
        await parent.run()
    finally:
        await up.close()


def worker_command(
    fd: Annotated[int, typer.Option(help="Inherited socket to the bot, which starts this program itself.")],
    blobs: Annotated[str, typer.Option(envvar="BLOBS_URL", help="Folder or URL for the pictures.")] = "data/blobs",
    weights: Annotated[Path | None, typer.Option(help="Checkpoints; without them the embedded small one.")] = None,
    slots: Annotated[int, typer.Option(min=1, max=64, help="Jobs drawn at a time.")] = 4,
    device: Annotated[str, typer.Option(help="auto, cpu, mps, cuda or cuda:N.")] = "auto",
    dtype: Annotated[
        list[str] | None,
        typer.Option(envvar="NET_DTYPES", help="Number format of a net: movq=bfloat16, unet=float16, text=float32."),
    ] = None,
    beautifier: Annotated[
        str, typer.Option(envvar="BEAUTIFIER", help="Language model that improves prompts: folder, owner/name or none.")
    ] = BEAUTIFIER,
    translator: Annotated[
        str,
        typer.Option(envvar="TRANSLATOR", help="Language model that translates them into English, in the same way."),
    ] = TRANSLATOR,
    four_bit: Annotated[
        bool, typer.Option(envvar="LANGUAGE_4BIT", help="Pack large language models into four bits.")
    ] = False,
    previews: Annotated[bool, typer.Option(help="Small pictures while drawing.")] = True,
    job_timeout: Annotated[float, typer.Option(min=1, help="Seconds a job may run.")] = 600.0,
    rewrite_timeout: Annotated[float, typer.Option(min=1, help="Seconds a language model may take.")] = 120.0,
    silence: Annotated[float, typer.Option(min=0.1, help="Least seconds of silence that count as a hang.")] = 30.0,
    grace: Annotated[float, typer.Option(min=0, help="Seconds that SIGTERM leaves to running jobs.")] = 10.0,
    engine: Annotated[str | None, typer.Option(help="Another engine's command line.")] = None,
) -> None:
    die_with_parent()
    log_as("worker", os.environ.get("LOG_LEVEL", "INFO"))
    card = None
    if engine is None:
        try:
            language = language_models(beautifier, translator, weights=weights, four_bit=four_bit)
            card = language.on(model_card(weights))
        except MissingWeights as lack:
            logging.getLogger(__name__).error("%s", lack)
    own = _own_engine(weights, slots, device, dtype or [], previews)
    own += ["--beautifier", beautifier, "--translator", translator, *(["--four-bit"] if four_bit else [])]
    command = own if engine is None else shlex.split(engine)
    options = EngineOptions(
        engine=tuple(command),
        environment={"BLOBS_URL": blobs},  # may hold a password, which no list of processes shall show
        silence_seconds=silence,
        job_timeout_seconds=job_timeout,
        rewrite_timeout_seconds=rewrite_timeout,
    )
    asyncio.run(run_worker(fd, options, card=card, grace_seconds=grace))


def _own_engine(weights: Path | None, slots: int, device: str, dtypes: list[str], previews: bool) -> list[str]:
    command = [sys.executable, "-m", "inference.engine_child", "--slots", str(slots)]
    command += ["--device", device, *(word for dtype in dtypes for word in ("--dtype", dtype))]
    command += [] if weights is None else ["--weights", str(weights)]
    return command if previews else [*command, "--no-previews"]


if __name__ == "__main__":
    typer.run(worker_command)
