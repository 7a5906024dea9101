"""An update on its way through the inbox."""

from __future__ import annotations

from dataclasses import dataclass

from aiogram.types import Update

from bot.store.handling import Handling

Album = tuple[int, str]  # the chat, and Telegram's id of the album in it


@dataclass(eq=False)
class Letter:
    """An update that waits for its handler or is with it; `tries` counts those that have begun."""

    update: Update
    handling: Handling
    tries: int = 0
    in_turn_until: float = 0.0

    @property
    def sender(self) -> int | None:
        """Whose updates are handled in their order."""
        person = getattr(self.update.event, "from_user", None)
        return person.id if person is not None else None

    @property
    def album(self) -> Album | None:
        return album_of(self.update)


def album_of(update: Update) -> Album | None:
    """The album that an update brings a part of."""
    message = update.message
    if message is None or message.media_group_id is None:
        return None
    return message.chat.id, message.media_group_id
