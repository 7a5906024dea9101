"""One update in hand: what its handling has done that must not be done twice, should it be cut short and begin anew.

A step is noted under a name, with its result, in the transaction that takes it or just before it is taken. A second
handling of the same update finds the note and goes on as if it had taken the step itself.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.statements import upsert
from bot.store.tables import inbox_steps

Result = TypeVar("Result")
Keep = Callable[[int, str, Any], asyncio.Future[None]]

_in_hand: ContextVar[Handling | None] = ContextVar("update_in_hand", default=None)


@dataclass(eq=False)
class Handling:
    """`noted` are the steps of earlier tries, by name. `keep(update_id, step, result)` begins at once and may be
    awaited. An album is handled by one of its parts, in the name of the first; the others are done when it is.
    `awaits_more(handling)` is whether others of its album are on their way, or in hand without it."""

    update_id: int
    keep: Keep
    noted: dict[str, Any] = field(default_factory=dict)
    awaits_more: Callable[[Handling], bool] = lambda _handling: False
    leader: Handling | None = None
    followers: list[Handling] = field(default_factory=list)
    over: bool = False
    _counted: Counter[str] = field(default_factory=Counter)
    _name: int | None = None

    @property
    def name(self) -> int:
        """The update in whose name things are done."""
        return self.update_id if self._name is None else self._name

    def follow(self, leader: Handling) -> None:
        """From now on `leader` handles this update too."""
        if leader is not self:
            self.leader = leader
            leader.followers.append(self)
            leader._name = min(leader.name, self.update_id)
            leader.noted |= self.noted

    def counted(self, step: str) -> str:
        """The step's name with how often this handling has asked for it, so that equal ones are told apart."""
        self._counted[step] += 1
        return f"{step} {self._counted[step]}"


@contextmanager
def in_hand(handling: Handling) -> Iterator[None]:
    """Everything done inside is done for this update; what outlives the block no longer is."""
    token = _in_hand.set(handling)
    try:
        yield
    finally:
        handling.over = True
        _in_hand.reset(token)


def handling() -> Handling | None:
    """What is in hand here; None outside of handlers."""
    current = _in_hand.get()
    return None if current is None or current.over else current


def was_done(step: str) -> bool:
    """Whether an earlier try has taken this step."""
    current = handling()
    return current is not None and step in current.noted


def result_of(step: str) -> Any:
    """What this step gave an earlier try; None where there was none."""
    current = handling()
    return current.noted.get(step) if current is not None else None


def sent_before(message_id: int) -> bool:
    """Whether an earlier try has sent this message, so that there is nothing to point at yet."""
    current = handling()
    kept = [result for step, result in current.noted.items() if step.startswith("sent ")] if current else []
    return any(
        sent["message_id"] == message_id for some in kept for sent in (some if isinstance(some, list) else [some])
    )


def has_sent() -> bool:
    """Whether an earlier try has sent anything."""
    current = handling()
    return current is not None and any(step.startswith("sent ") for step in current.noted)


def steps_named(kind: str) -> list[int]:
    """The numbers that steps of this kind carry which earlier tries have taken."""
    current = handling()
    taken = current.noted if current is not None else ()
    return [int(step.removeprefix(f"{kind} ")) for step in taken if step.startswith(f"{kind} ")]


def update_in_hand(update_id: int) -> int:
    """The update in whose name this one is handled: of an album it is the first."""
    current = handling()
    return current.name if current is not None else update_id


async def decided(step: str, value: Result) -> Result:
    """The value that was decided on first, written down before anybody acts on it: a second try does the same."""
    current = handling()
    if current is None:
        return value
    if step in current.noted:
        return current.noted[step]  # type: ignore[no-any-return]
    await asyncio.shield(current.keep(current.name, step, value))
    return value


async def note(connection: AsyncConnection, step: str, result: Any = None) -> None:
    """Notes a step in the transaction that takes it."""
    current = handling()
    if current is not None:
        await upsert(connection, inbox_steps, row_of(current.name, step, result), key=("update_id", "step"), keep=())


def row_of(update_id: int, step: str, result: Any) -> dict[str, Any]:
    return {"update_id": update_id, "step": step, "result": json.dumps(result)}


def noted_in(rows: Mapping[str, str | None]) -> dict[str, Any]:
    return {step: json.loads(result) if result is not None else None for step, result in rows.items()}
