"""What the playground remembers: bots, people, chats, messages."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bot.playground.files import Media

DEFAULT_UPDATES_EXCEPT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass
class Webhook:
    url: str
    secret_token: str | None = None
    max_connections: int = 40
    last_error_date: int | None = None
    last_error_message: str | None = None


@dataclass
class Bot:
    """One token. `commands`, `texts` and `menu_buttons` are keyed by scope, language and chat."""

    id: int
    first_name: str
    username: str
    allowed_updates: list[str] | None = None  # None: all but DEFAULT_UPDATES_EXCEPT
    webhook: Webhook | None = None
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    menu_buttons: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_user(self) -> dict[str, Any]:
        return {"id": self.id, "is_bot": True, "first_name": self.first_name, "username": self.username}

    def wants(self, update_type: str) -> bool:
        if self.allowed_updates is None:
            return update_type not in DEFAULT_UPDATES_EXCEPT
        return update_type in self.allowed_updates


@dataclass
class Person:
    id: int
    name: str
    username: str | None = None
    language: str | None = None
    blocked: list[int] = field(default_factory=list)  # bots

    def as_user(self) -> dict[str, Any]:
        first, _, last = self.name.partition(" ")
        user: dict[str, Any] = {"id": self.id, "is_bot": False, "first_name": first}
        user |= {"last_name": last} if last else {}
        user |= {"username": self.username} if self.username else {}
        return user | ({"language_code": self.language} if self.language else {})


@dataclass
class Chat:
    """A private chat belongs to one bot; a group may hold several."""

    id: int
    type: str
    bots: list[int]
    title: str | None = None
    members: list[int] = field(default_factory=list)
    admins: list[int] = field(default_factory=list)
    admin_bots: list[int] = field(default_factory=list)
    former_bots: list[int] = field(default_factory=list)  # thrown out
    left_bots: list[int] = field(default_factory=list)  # went by themselves
    privacy: bool = True
    pinned: list[int] = field(default_factory=list)
    is_forum: bool = False
    topics: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the number of the line they begin with

    @property
    def is_private(self) -> bool:
        return self.type == "private"

    @property
    def key(self) -> str:
        return chat_key(self.id, self.bots[0]) if self.is_private else str(self.id)


@dataclass
class StickerSet:
    """A set that a bot has made; `stickers` are unique ids of files."""

    name: str
    title: str
    bot: int
    stickers: list[str] = field(default_factory=list)


def chat_key(chat_id: int, bot_id: int) -> str:
    return f"{bot_id}:{chat_id}" if chat_id > 0 else str(chat_id)


@dataclass
class Message:
    """`body` holds the Bot API fields that are the same for every reader; files and replies are filled in per bot."""

    id: int
    chat: str
    sender: dict[str, Any]
    body: dict[str, Any]
    media: Media | None = None
    reply_to: int | None = None
    keyboard: dict[str, Any] | None = None  # reply keyboard, which Telegram shows but does not give back
    inline_message_id: str | None = None
    notice: str | None = None
    edits: int = 0
    deleted: bool = False
    reactions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by the id of who reacted
    votes: dict[str, list[int]] = field(default_factory=dict)  # in its poll, by the id of who voted

    @property
    def key(self) -> str:
        return f"{self.chat}/{self.id}"

    @property
    def text(self) -> str:
        return str(self.body.get("text") or self.body.get("caption") or "")

    def poll(self) -> dict[str, Any]:
        """Its Poll with the votes counted."""
        poll: dict[str, Any] = self.body["poll"]
        chosen = [it for options in self.votes.values() for it in options]
        options = [{**it, "voter_count": chosen.count(index)} for index, it in enumerate(poll["options"])]
        return poll | {"options": options, "total_voter_count": len(self.votes)}

    def as_document(self) -> dict[str, Any]:
        return asdict(self)
