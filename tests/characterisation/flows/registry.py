"""The flows by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.characterisation.stage import Stage, staged

Flow = Callable[[Stage], Awaitable[None]]
LayOut = Callable[[Path], None]
FLOWS: dict[str, Flow] = {}
_LAID_OUT: dict[str, LayOut] = {}


def flow(play: Flow) -> Flow:
    """Puts a flow under its own name into `FLOWS`."""
    name = play.__qualname__
    assert name not in FLOWS, name
    FLOWS[name] = play
    return play


def flow_over(lay_out: LayOut) -> Callable[[Flow], Flow]:
    """The same for a flow that begins with a filled folder."""

    def register(play: Flow) -> Flow:
        _LAID_OUT[play.__qualname__] = lay_out
        return flow(play)

    return register


async def transcript_of(name: str) -> str:
    """Plays a flow on a stage of its own; returns what was said, done and shown."""
    async with staged(_LAID_OUT.get(name)) as stage:
        await FLOWS[name](stage)
        return stage.transcript()
