"""Planned trouble: refusals, delays and dropped connections for the next calls of a method."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from bot.playground.errors import ApiError, too_many_requests

DESCRIPTIONS = {
    400: "Bad Request: planned by the playground",
    401: "Unauthorized",
    403: "Forbidden: planned by the playground",
    404: "Not Found",
    409: "Conflict: planned by the playground",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


@dataclass
class Fault:
    """`left` is how many calls it will still strike, None for all; `after`: the call is performed all the same.

    What `delay` holds up is the call, or `after` that its answer.
    """

    id: int
    method: str  # "*" is every method but getUpdates, whose polls would use the count up
    status: int | None = None
    retry_after: int | None = None
    description: str | None = None
    delay: float = 0.0
    drop: bool = False
    when: str = "before"
    left: int | None = 1
    chat: int | None = None

    def strikes(self, method: str, chat: str) -> bool:
        meant = method != "getUpdates" if self.method == "*" else method == self.method
        return meant and self.left != 0 and (self.chat is None or str(self.chat) == chat)

    def refusal(self) -> ApiError | None:
        if self.status is None:
            return None
        if self.status == 429:
            error = too_many_requests(self.retry_after or 1)
            return ApiError(429, self.description or error.description, error.parameters)
        description = self.description or DESCRIPTIONS.get(self.status, "planned by the playground")
        return ApiError(self.status, description)

    def view(self) -> dict[str, Any]:
        return asdict(self)


class FaultPlan:
    """State: the faults that are still to strike, and what the calls that one of them holds up wait for."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.last_id = 0
        self._peace = asyncio.Event()

    def clear(self) -> None:
        """Calls all faults off, and lets go of the calls that are held up."""
        self.faults.clear()
        self._peace.set()
        self._peace = asyncio.Event()

    async def hold_up(self, fault: Fault) -> None:
        """Returns when the delay of a fault has passed."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._peace.wait(), fault.delay)

    def add(self, **what: Any) -> Fault:
        self.last_id += 1
        fault = Fault(self.last_id, **what)
        self.faults.append(fault)
        return fault

    def strike(self, method: str, chat: Any) -> Fault | None:
        """The oldest fault meant for this call, counted down."""
        fault = next((it for it in self.faults if it.strikes(method, str(chat))), None)
        if fault is not None and fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                self.faults.remove(fault)
        return fault
