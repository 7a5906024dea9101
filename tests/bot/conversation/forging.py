"""Presses that no honest client makes: any data, under any message, known to Telegram or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.bot.conversation.conftest import House
from tests.e2e.chat import Message

Raw = dict[str, Any]
UPDATE_IDS_SINCE = 2_000_000_000  # ahead of the playground's own


@dataclass
class Forger:
    """Hands updates to the bot as Telegram would. Answers are taken by the playground, which knows the presses."""

    house: House
    update_id: int = UPDATE_IDS_SINCE

    @property
    def bot_id(self) -> int:
        assert self.house.studio is not None
        return self.house.studio.bot.id

    def shown(self, message: Message) -> Raw:
        """A message as Telegram gives it along with a press."""
        world = self.house.playground.world
        chat = world.chats[f"{self.bot_id}:{message['chat']}" if message["chat"] > 0 else str(message["chat"])]
        return world.message_body(world.messages[chat.key][message["id"]], self.bot_id)

    def carrying(self, message: Message, data: str) -> Raw:
        """The same as if it had one button, and that carried this."""
        keyboard = {"inline_keyboard": [[{"text": "x", "callback_data": data}]]}
        return self.shown(message) | {"reply_markup": keyboard}

    def inaccessible(self, message: Message) -> Raw:
        """The same when it is too old for Telegram to tell what is in it."""
        shown = self.shown(message)
        return {"chat": shown["chat"], "message_id": shown["message_id"], "date": 0}

    async def press(self, user: int, data: str | None, message: Raw | None, **more: Any) -> Raw | None:
        """The answer to a press, {"text", "alert", "url"}; None where it was not answered."""
        assert self.house.studio is not None
        query = self.house.playground.world.queries.ask("callback", self.bot_id, user)
        body: Raw = {
            "id": query.id,
            "from": {"id": user, "is_bot": False, "first_name": f"User {user}", "language_code": "en"},
            "chat_instance": "1",
            **({"data": data} if data is not None else {}),
            **({"message": message} if message is not None else {}),
            **more,
        }
        self.update_id += 1
        update = {"update_id": self.update_id, "callback_query": body}
        await self.house.studio.updates.feed_raw_update(self.house.studio.bot, update)
        return query.answer.result() if query.answer.done() else None
