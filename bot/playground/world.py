"""The state of the playground. Every change goes through here, so that it is stored and announced once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from bot.playground.errors import SimError, bad_request, forbidden
from bot.playground.events import EventStream
from bot.playground.files import FileCabinet
from bot.playground.mailbox import Mailbox, Update
from bot.playground.queries import QueryDesk
from bot.playground.records import Bot, Chat, Message, Person, StickerSet, Webhook, chat_key
from bot.playground.store import Store

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
FIRST_UPDATES_SINCE = 1_735_689_600  # 2025-01-01


class World:
    """Bots, people, chats, messages, files and waiting updates; one event loop, no locks needed."""

    def __init__(
        self,
        store: Store,
        usernames: Mapping[int, str] | None = None,
        query_lifetime: float = 60,
        allow_remote: bool = False,
    ) -> None:
        self.store = store
        self.allow_remote = allow_remote
        self.on_webhook_change: Callable[[Bot], None] = lambda bot: None
        self.usernames = dict(usernames or {})
        self.events = EventStream()
        self.files = FileCabinet(store)
        self.counters: dict[str, int] = dict(store.documents("counter"))
        self.bots: dict[int, Bot] = {}
        for _, it in store.documents("bot"):
            webhook = it.pop("webhook")
            bot = Bot(**it, webhook=Webhook(**webhook) if webhook else None)
            self.bots[bot.id] = bot
        self.connected: dict[int, str] = {}  # this run's bots with the secret half of their token, latest last
        self.people = {int(key): Person(**it) for key, it in store.documents("person")}
        self.chats = {key: Chat(**it) for key, it in store.documents("chat")}
        self.messages: dict[str, dict[int, Message]] = {key: {} for key in self.chats}
        for message in sorted((Message(**it) for _, it in store.documents("message")), key=lambda it: it.id):
            self.messages.setdefault(message.chat, {})[message.id] = message
        self.inline_messages = {
            it.inline_message_id: it for chat in self.messages.values() for it in chat.values() if it.inline_message_id
        }
        sets = (StickerSet(**it) for _, it in store.documents("sticker_set"))
        self.sticker_sets = {it.name.lower(): it for it in sets}
        self.mailboxes = {bot_id: Mailbox(store, bot_id) for bot_id in self.bots}
        self.queries = QueryDesk(query_lifetime)
        self.actions: dict[str, dict[str, Any]] = {}  # chat key → the running chat action
        self.drafts: dict[str, dict[str, Any]] = {}  # chat key → what the bot is about to say

    # Numbers never come back: not after a reset and not after a restart.

    def next_number(self, name: str) -> int:
        number = self.counters.get(name, 0) + 1
        self.counters[name] = number
        self.store.put("counter", name, number)
        return number

    def next_update_id(self) -> int:
        """Rises even where nothing was stored: it follows the clock, at ten a second, unless it is ahead already."""
        by_clock = int((time.time() - FIRST_UPDATES_SINCE) * 10)
        self.counters["update"] = max(self.counters.get("update", 0), by_clock)
        return self.next_number("update")

    # Bots

    def connect(self, bot_id: int, secret: str) -> Bot | None:
        """The bot of a token; None if this run knows another secret for the same id."""
        known = self.connected.get(bot_id)
        if known is not None:
            return self.bots[bot_id] if known == secret else None
        self.connected[bot_id] = secret
        if bot_id not in self.bots:
            username = self.usernames.get(bot_id, f"playground_{bot_id}_bot")
            self.bots[bot_id] = Bot(bot_id, "Playground bot", username)
            self.mailboxes[bot_id] = Mailbox(self.store, bot_id)
            self.save_bot(self.bots[bot_id])
        self.events.publish("bot", lambda: {"bot": self.bot_view(bot_id)})
        return self.bots[bot_id]

    def token_of(self, bot: Bot) -> str:
        """The token of a bot that has called in this run: only calls carry it."""
        if bot.id not in self.connected:
            raise SimError(409, "the bot has not connected since the playground started; its token is not known")
        return f"{bot.id}:{self.connected[bot.id]}"

    def may_call(self, host: str | None) -> bool:
        """Whether a webhook may point there: this machine only, unless the playground is open to others."""
        return self.allow_remote or host in LOOPBACK

    def save_bot(self, bot: Bot) -> None:
        self.store.put("bot", str(bot.id), asdict(bot))

    def default_bot(self) -> Bot:
        recent = [*self.bots, *self.connected]
        if not recent:
            raise SimError(409, "no bot has connected yet")
        return self.bots[recent[-1]]

    def bot_view(self, bot_id: int) -> dict[str, Any]:
        bot, mailbox = self.bots[bot_id], self.mailboxes[bot_id]
        connection = "webhook" if bot.webhook else "polling" if mailbox.is_polled() else "none"
        return {
            "id": bot_id,
            "username": bot.username,
            "name": bot.first_name,
            "connection": connection,
            "pending_updates": len(mailbox.pending),
            "webhook_url": bot.webhook.url if bot.webhook else "",
            "default": bot is self.default_bot(),
        }

    def deliver(self, bot_id: int, update_type: str, body: dict[str, Any], queue: str) -> int | None:
        """Queue an update; returns its id, or None if the bot does not ask for this type."""
        if not self.bots[bot_id].wants(update_type):
            return None
        update = Update(self.next_update_id(), update_type, {update_type: body}, queue)
        self.mailboxes[bot_id].put(update)
        return update.id

    # People and chats

    def save_person(self, person: Person) -> None:
        self.people[person.id] = person
        self.store.put("person", str(person.id), asdict(person))

    def save_chat(self, chat: Chat) -> None:
        self.chats[chat.key] = chat
        self.messages.setdefault(chat.key, {})
        self.store.put("chat", chat.key, asdict(chat))

    def chat_for_bot(self, bot: Bot, chat_id: int | str) -> Chat:
        """The chat a bot names; refuses in Telegram's words if it may not write there."""
        if isinstance(chat_id, str) and not chat_id.lstrip("-").isdigit():
            raise bad_request("chat not found")
        chat = self.chats.get(chat_key(int(chat_id), bot.id))
        if chat is None:
            raise bad_request("chat not found")
        if bot.id in chat.former_bots:
            raise forbidden(f"bot was kicked from the {chat.type} chat")
        if bot.id in chat.left_bots:
            raise forbidden(f"bot is not a member of the {chat.type} chat")
        if bot.id not in chat.bots:
            raise bad_request("chat not found")
        return chat

    def may_write(self, bot: Bot, chat: Chat) -> None:
        person = self.people.get(chat.id)
        if person is not None and bot.id in person.blocked:
            raise forbidden("bot was blocked by the user")

    def chat_body(self, chat: Chat) -> dict[str, Any]:
        if not chat.is_private:
            forum = {"is_forum": True} if chat.is_forum else {}
            return {"id": chat.id, "type": chat.type, "title": chat.title or f"Group {chat.id}"} | forum
        user = self.people[chat.id].as_user()
        return {"id": chat.id, "type": "private"} | {
            key: user[key] for key in ("first_name", "last_name", "username") if key in user
        }

    # Messages

    def add_message(self, chat: Chat, sender: dict[str, Any], body: dict[str, Any], **more: Any) -> Message:
        """A new message at the end of the chat; stored and announced."""
        number = self.next_number(f"messages of bot {chat.bots[0]}" if chat.is_private else f"messages of {chat.id}")
        message = Message(number, chat.key, sender, {"date": int(time.time()), **body}, **more)
        self.messages[chat.key][message.id] = message
        if message.inline_message_id:
            self.inline_messages[message.inline_message_id] = message
        if sender["is_bot"]:
            self.actions.pop(chat.key, None)
            self.draft(chat, None)
        self.save_message(message)
        return message

    def add_service(self, chat: Chat, sender: dict[str, Any], body: dict[str, Any], notice: str) -> Message:
        """A line of the chat itself, `notice`; every bot that is in there hears of it."""
        message = self.add_message(chat, sender, body, notice=notice)
        self.tell_bots(message)
        return message

    def tell_bots(self, message: Message) -> None:
        chat = self.chats[message.chat]
        for bot_id in chat.bots:
            self.deliver(bot_id, "message", self.message_body(message, bot_id), chat.key)

    def delete_message(self, chat: Chat, message: Message) -> None:
        message.deleted = True
        if message.id in chat.pinned:
            chat.pinned.remove(message.id)
            self.save_chat(chat)
        self.save_message(message)
        self.events.publish("delete", {"chat": chat.id, "bot": chat.bots[0], "message_id": message.id})

    def draft(self, chat: Chat, draft: dict[str, Any] | None) -> None:
        """Show a draft in a chat in the place of the one before, or none."""
        if draft is None and self.drafts.pop(chat.key, None) is None:
            return
        if draft is not None:
            self.drafts[chat.key] = draft
        self.events.publish("draft", {"chat": chat.id, "bot": chat.bots[0], "draft": draft})

    def save_message(self, message: Message) -> None:
        self.store.put("message", message.key, message.as_document())

    def find_message(self, chat: Chat, message_id: int | None) -> Message | None:
        """A message that is still there."""
        message = self.messages[chat.key].get(message_id or 0)
        return None if message is None or message.deleted else message

    def message_body(self, message: Message, bot_id: int, with_reply: bool = True) -> dict[str, Any]:
        """The Bot API Message as this bot sees it; replies are one level deep."""
        chat = self.chats[message.chat]
        body = {"message_id": message.id, "from": message.sender, "chat": self.chat_body(chat), **message.body}
        if message.media is not None:
            body |= self.files.message_fields(bot_id, message.media)
        if "reply_markup" in body and message.sender["id"] != bot_id and "via_bot" not in body:
            del body["reply_markup"]
        if "pinned_message" in body:
            body["pinned_message"] = self._pinned_body(chat, body["pinned_message"], bot_id)
        if "poll" in body:
            body["poll"] = message.poll()
        # What answers nothing in a topic answers the line with which the topic begins.
        thread = body.get("message_thread_id")
        replied = self.messages[chat.key].get(message.reply_to or (thread if thread != message.id else 0) or 0)
        if with_reply and replied is not None and not replied.deleted:
            body["reply_to_message"] = self.message_body(replied, bot_id, with_reply=False)
        return body

    def _pinned_body(self, chat: Chat, message_id: int, bot_id: int) -> dict[str, Any]:
        """What a service message says was pinned: the message, or that it is gone."""
        pinned = self.find_message(chat, message_id)
        if pinned is None:
            return {"chat": self.chat_body(chat), "message_id": message_id, "date": 0}
        return self.message_body(pinned, bot_id, with_reply=False)

    def save_sticker_set(self, it: StickerSet) -> None:
        self.sticker_sets[it.name.lower()] = it
        self.store.put("sticker_set", it.name.lower(), asdict(it))

    def forget_sticker_set(self, it: StickerSet) -> None:
        del self.sticker_sets[it.name.lower()]
        self.store.delete("sticker_set", it.name.lower())

    def reset(self) -> None:
        """Forget everything but the bots, their settings and the counters."""
        self.people.clear()
        self.chats.clear()
        self.messages.clear()
        self.inline_messages.clear()
        self.queries.open.clear()
        self.actions.clear()
        self.drafts.clear()
        self.sticker_sets.clear()
        self.files.forget()
        self.store.forget("person", "chat", "message", "sticker_set")
        for mailbox in self.mailboxes.values():
            mailbox.forget()
        self.events.publish("reset", {})
