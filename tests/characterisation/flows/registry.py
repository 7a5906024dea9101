"""The flows by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.characterisation.stage import Stage, staged

Flow = Callable[[Stage], Awaitable[None]]
FLOWS: dict[str, Flow] = {}


def flow(play: Flow) -> Flow:
    """Puts a flow under its own name into `FLOWS`."""
    name = play.__qualname__
    assert name not in FLOWS, name
    FLOWS[name] = play
    return play


async def transcript_of(name: str) -> str:
    """Plays a flow on a stage of its own; returns what was said, done and shown."""
    async with staged() as stage:
        await FLOWS[name](stage)
        return stage.transcript()
