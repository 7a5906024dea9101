"""Keys with which programs draw for a person, in SQL: made, found, used, taken back. Their secrets are not here.

A key is `ks-`, eight hexadecimal digits by which it is found, and 32 random bytes. Only its sha256 is kept: what is as
random as that needs no salt and no slow hash.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.statements import upsert
from bot.store.tables import api_keys
from inference.queue.database import reading, take_turns

SHAPE = re.compile(r"(ks-[0-9a-f]{8})-[A-Za-z0-9_-]{43}")
MOST_KEYS = 10  # of one person that have not been taken back
USE_NOTED_EVERY = 60.0  # seconds: a program that asks often need not write each time


@dataclass(frozen=True)
class NewKey:
    """A key as its owner sees it, once. `name` is what it begins with, `digest` is as in `ApiKey`."""

    text: str
    name: str
    digest: str


def new_key() -> NewKey:
    name = f"ks-{secrets.token_hex(4)}"
    text = f"{name}-{secrets.token_urlsafe(32)}"
    return NewKey(text, name, digest_of(text))


def digest_of(key: str) -> str:
    """The sha256 of a key, hex."""
    return hashlib.sha256(key.encode()).hexdigest()


class TooManyKeys(Exception):
    """A person has MOST_KEYS keys already."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`name` is what it begins with; `digest` is the sha256 of all of it, hex. Times are seconds since the epoch."""

    id: int
    owner_id: int
    name: str
    digest: str
    created_at: float
    used_at: float | None


class ApiKeys:
    """Queries over one database."""

    def __init__(self, database: AsyncEngine, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._reading = reading(database)
        self._clock = clock

    async def add(self, owner_id: int, name: str, digest: str, update_id: int | None) -> None:
        """Remembers a new key. What an earlier try of the same update has made is replaced. Raises TooManyKeys."""
        row = {
            "owner_id": owner_id,
            "name": name,
            "digest": digest,
            "update_id": update_id,
            "created_at": self._clock(),
        }
        mine = (api_keys.c.owner_id == owner_id, api_keys.c.revoked_at.is_(None))
        others = or_(api_keys.c.update_id.is_(None), api_keys.c.update_id != update_id)
        async with self._database.begin() as connection:
            await take_turns(connection, f"keys of {owner_id}")
            if int(await connection.scalar(select(func.count()).where(*mine, others)) or 0) >= MOST_KEYS:
                raise TooManyKeys
            await upsert(connection, api_keys, row, key=("update_id",), keep=())

    async def named(self, name: str) -> ApiKey | None:
        """The key that begins so, unless it was taken back."""
        found = await self._found(api_keys.c.name == name)
        return found[0] if found else None

    async def of(self, owner_id: int) -> list[ApiKey]:
        """A person's keys, the oldest first, without those taken back."""
        return await self._found(api_keys.c.owner_id == owner_id)

    async def whose(self, key_id: int) -> int | None:
        """Whose a key is, taken back or not."""
        async with self._reading.connect() as connection:
            owner: int | None = await connection.scalar(select(api_keys.c.owner_id).where(api_keys.c.id == key_id))
            return owner

    async def used(self, key: ApiKey) -> None:
        """Notes that a key was used just now, once a minute."""
        now = self._clock()
        if key.used_at is not None and 0 <= now - key.used_at < USE_NOTED_EVERY:
            return
        async with self._database.begin() as connection:
            await connection.execute(update(api_keys).where(api_keys.c.id == key.id).values(used_at=now))

    async def revoke(self, owner_id: int, key_id: int) -> bool:
        """Takes a key of a person back. False where there is none, or none any more."""
        theirs = (api_keys.c.id == key_id, api_keys.c.owner_id == owner_id, api_keys.c.revoked_at.is_(None))
        async with self._database.begin() as connection:
            gone = await connection.execute(update(api_keys).where(*theirs).values(revoked_at=self._clock()))
        return bool(gone.rowcount)

    async def _found(self, condition: Any) -> list[ApiKey]:
        kept = select(*(api_keys.c[field.name] for field in fields(ApiKey)))
        query = kept.where(condition, api_keys.c.revoked_at.is_(None)).order_by(api_keys.c.id)
        async with self._reading.connect() as connection:
            return [ApiKey(**row) for row in (await connection.execute(query)).mappings()]
