"""Whose key a program shows: one made in the chat, or one of the owner's file.

Only the sha256 of a key is kept, which is compared in constant time. Whoever shows wrong ones is soon heard no more,
while keys that have been right once go on.
"""

from __future__ import annotations

import hmac
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings, SettingsError
from bot.store import History
from bot.store.keys import SHAPE, digest_of
from inference.api import ApiError, Caller
from inference.queue.recent import Recent

log = logging.getLogger(__name__)

MOST_WRONG, WRONG_SECONDS = 20, 60.0  # keys that an address may get wrong in so long
MOST_ADDRESSES, MOST_PROVEN = 4096, 4096
MOST_FILE = 1_000_000


@dataclass(frozen=True)
class OfFile:
    """A key of the owner's file."""

    owner_id: int
    digest: str


def keys_in(file: Path) -> dict[str, OfFile]:
    """The keys of a file by name: a line each of a person's Telegram id and a key, or `sha256:` and its name and hash.
    What follows a # is left out. Raises SettingsError, which shows no key."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_FILE + 1).decode()
    except OSError as unreadable:
        raise SettingsError("API_KEYS_FILE", f"{file} cannot be read: {unreadable.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError("API_KEYS_FILE", f"{file} is not UTF-8 text") from None
    if len(text) > MOST_FILE:
        raise SettingsError("API_KEYS_FILE", f"{file} is too large")
    if file.stat().st_mode & 0o077:
        log.warning("%s can be read by others on this machine; chmod 600 keeps it to you", file)
    found: dict[str, OfFile] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        person = int(words[0]) if re.fullmatch(r"[0-9]{1,18}", words[0], re.ASCII) else 0
        shape = SHAPE.fullmatch(words[1]) if len(words) == 2 else None
        if shape is None or not person or shape[1] in found:
            advice = f"line {number} of {file} should be a Telegram id and a key of its own like ks-0a1b2c3d-…"
            raise SettingsError("API_KEYS_FILE", advice)
        found[shape[1]] = OfFile(person, digest_of(words[1]))
    return found


class Keys:
    """State: who has shown wrong keys of late, and which keys have been right."""

    def __init__(
        self,
        history: History,
        settings: Settings,
        of_file: Mapping[str, OfFile],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._history = history
        self._of_file = of_file
        listed = settings.allowed_users
        self._allowed = listed | settings.admin_ids if listed else frozenset[int]()
        self._clock = clock
        self._wrong: Recent[str, list[float]] = Recent(MOST_ADDRESSES)
        self._proven: Recent[str, None] = Recent(MOST_PROVEN)

    async def caller(self, key: str, address: str) -> Caller:
        """Whose key this is. Raises ApiError: 401 for a key that is none, or none any more, 403 for one of somebody who
        may not draw here, 429 after too many wrong ones from the same address."""
        digest = digest_of(key)
        if digest not in self._proven and self._is_hushed(address):
            raise ApiError(429, "too_many_wrong_keys", "Too many wrong keys came from here.", retry_after=WRONG_SECONDS)
        owner, name = await self._owner(key, digest)
        if owner is None:
            self._note_wrong(address)
            raise ApiError(401, "invalid_api_key", "This is no key of this studio, or it has been taken back.")
        self._proven[digest] = None
        person = await self._history.person(owner, None)
        if person.blocked:
            raise ApiError(403, "blocked", "The person of this key has blocked the bot: unblock it in Telegram first.")
        if self._allowed and owner not in self._allowed:
            raise ApiError(403, "not_allowed", "The person of this key may not draw here any more.")
        return Caller(owner, name)

    async def _owner(self, key: str, digest: str) -> tuple[int | None, str]:
        shape = SHAPE.fullmatch(key)
        name = shape[1] if shape else ""
        given = self._of_file.get(name)
        if given is not None:
            return (given.owner_id if hmac.compare_digest(given.digest, digest) else None), name
        known = await self._history.keys.named(name) if shape else None
        if known is None or not hmac.compare_digest(known.digest, digest):
            return None, name
        await self._history.keys.used(known)
        return known.owner_id, name

    def _is_hushed(self, address: str) -> bool:
        times = self._wrong.get(address, [])
        return len(times) >= MOST_WRONG and self._clock() - times[0] < WRONG_SECONDS

    def _note_wrong(self, address: str) -> None:
        times = [*self._wrong.get(address, []), self._clock()]
        self._wrong[address] = times[-MOST_WRONG:]
        if len(times) == MOST_WRONG:
            log.warning("%s has shown %d wrong keys", address, MOST_WRONG)
