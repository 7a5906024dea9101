"""`python -m inference health`: whether a worker far from its bot is heard by the queue."""

from __future__ import annotations

from typing import Annotated

import typer

from inference.queue.health import look
from inference.queue.transport.redis.keys import PRESENCE_SECONDS
from inference.worker.remote import RemoteError, remote_settings


def health_command(
    ready: Annotated[bool, typer.Option("--ready", help="Fail also while it cannot draw yet.")] = False,
) -> None:
    """Prints one line; ends with 1 where the last beat that the queue has taken is too old, or (--ready) while no
    engine is ready."""
    try:
        file = remote_settings(None).sign_of_life
    except RemoteError as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(2) from None
    health = look(file, PRESENCE_SECONDS)
    others = () if health.alive else sorted(other.name for other in file.parent.glob("worker*.health") if other != file)
    typer.echo(f"{health.words} (beside it, by another DEVICE: {', '.join(others)})" if others else health.words)
    raise typer.Exit(0 if health.ready or (health.alive and not ready) else 1)
