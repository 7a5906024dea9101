"""The worker: a process between the queue and the engine child that owns the device.

It never touches a tensor, so its event loop is always free to listen, and it outlives whatever happens to the device.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from typing import Annotated

import typer

from inference.engine.family import card_of
from inference.families import FAMILIES
from inference.queue.logs import log_as
from inference.queue.wire import Trouble, WireError, configured, decode_down, die_with_parent, open_link, reason
from inference.worker.engine_parent import EngineParent
from inference.worker.remote import RemoteError, remote_worker

log = logging.getLogger(__name__)


async def run_worker(fd: int) -> bool:
    """Serves the bot at the other end of the socket `fd` until it is gone, or until SIGTERM has been obeyed.

    Returns False where the bot's first message is not the options of this version.
    """
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is the bot's, which tells us what to do
    up = await open_link(socket.socket(fileno=fd))
    try:
        line = await up.line()
        options = configured(decode_down(line) if line else None).options
    except WireError as refused:
        log_as("worker", "INFO")
        log.error("%s", refused)
        up.send(Trouble(why=reason(refused)))
        await up.close()
        return False
    log_as("worker", options.log_level, options.log_format)
    parent = EngineParent(up, options, None if options.engine else card_of(FAMILIES, options))
    loop.add_signal_handler(signal.SIGTERM, parent.drain, options.shutdown_grace_seconds)
    try:
        await parent.run()
    finally:
        await up.close()
    return True


def worker_command(
    fd: Annotated[
        int | None, typer.Option(help="Inherited socket to the bot, which starts this program itself.")
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option(help="Address of the queue: redis://host:6379. One with a password belongs into QUEUE_URL."),
    ] = None,
) -> None:
    try:
        if fd is not None:
            die_with_parent()
            raise typer.Exit(0 if asyncio.run(run_worker(fd)) else 1)
        remote_worker(queue)
    except RemoteError as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(2) from None
    finally:
        gc.freeze()  # an interpreter that ends looks for garbage among all it has imported, half a second long
