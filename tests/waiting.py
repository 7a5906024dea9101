"""Looking again and again until it is so: the one place where tests do that."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

# A limit that no passing test meets: machines that test are busy. In the long run of faults programs are started again
# and again, and each has been seen to take forty seconds for that where others wanted the same cores.
PATIENCE = 400.0 if os.environ.get("CHAOS_LONG") else 90.0
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.005, 0.1, 1.4  # seconds between two looks: what comes late is looked for less

Condition = Callable[[], Any]
Why = str | Callable[[], str]


async def until(condition: Condition, why: Why = "", *, seconds: float = PATIENCE) -> Any:
    """The first true answer of a condition, which may be a coroutine function. Raises AssertionError when there is none
    in time, which tells `why`."""
    answer = await within(seconds, condition)
    assert answer, _in_vain(seconds, why)
    return answer


async def within(seconds: float, condition: Condition) -> Any:
    """The first true answer of a condition; after so long its last one, whatever it is."""
    for pause in _pauses(seconds):
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            break
        await asyncio.sleep(pause)
    return answer


def blocking_until(condition: Condition, why: Why = "", *, seconds: float = PATIENCE) -> Any:
    """The same for a test that is no coroutine."""
    for pause in _pauses(seconds):
        if answer := condition():
            return answer
        time.sleep(pause)
    raise AssertionError(_in_vain(seconds, why))


def _pauses(seconds: float) -> Iterator[float]:
    pause, deadline = FIRST_PAUSE, time.monotonic() + seconds
    yield pause
    while time.monotonic() < deadline:
        pause = min(pause * GROWTH, LONGEST_PAUSE)
        yield pause


def _in_vain(seconds: float, why: Why) -> str:
    return f"waited {seconds:.0f} s in vain: {why if isinstance(why, str) else why()}"
