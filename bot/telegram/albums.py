"""Messages of one album come one by one; here they come together again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiogram.types import Message

from bot.store.handling import Handling, handling

QUIET_SECONDS = 0.8
LONE_SECONDS = 3.0  # an album has two parts at least


@dataclass
class _Gathering:
    leader: Handling | None
    parts: dict[int, Message] = field(default_factory=dict)
    newcomer: asyncio.Event = field(default_factory=asyncio.Event)


class Albums:
    """State: the albums that are just coming in. An album is complete when nothing has been added for a while, and no
    part that we know of is on its way.

    Its parts are one piece of work: none of them is done with before it is, and a second handling finds them all.
    """

    def __init__(self, quiet_seconds: float = QUIET_SECONDS, lone_seconds: float = LONE_SECONDS) -> None:
        self._quiet = quiet_seconds
        self._lone = lone_seconds
        self._coming: dict[tuple[int, str], _Gathering] = {}

    async def gather(self, message: Message) -> list[Message] | None:
        """All parts in order for whoever brought the first one, None for everybody else; a lone photo at once."""
        if message.media_group_id is None:
            return [message]
        key = (message.chat.id, message.media_group_id)
        gathering = self._coming.get(key)
        part = handling()
        if gathering is not None:
            if part is not None and gathering.leader is not None:
                part.follow(gathering.leader)
            gathering.parts[message.message_id] = message
            gathering.newcomer.set()
            return None
        gathering = self._coming[key] = _Gathering(part, {message.message_id: message})
        try:
            while await self._has_newcomer(gathering):
                gathering.newcomer.clear()
            return [part for _id, part in sorted(gathering.parts.items())]
        finally:
            del self._coming[key]

    async def _has_newcomer(self, gathering: _Gathering) -> bool:
        leader = gathering.leader
        try:
            patience = self._quiet if len(gathering.parts) > 1 else self._lone
            await asyncio.wait_for(gathering.newcomer.wait(), patience)
        except TimeoutError:
            return leader is not None and leader.awaits_more(leader)
        return True
