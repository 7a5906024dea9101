"""Updates as no Telegram would send them, made from the Bot API's own schema with a seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from bot.playground.schema import Array, FieldType, Object, Scalar, Union, bot_api

DEEP = json.loads("[" * 80 + "]" * 80)
NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, 1.5, float("nan"), float("inf"))
STRINGS = (
    "",
    " ",
    "\x00",
    "\ud800",
    "²",
    "‮",
    "🧑‍🎨" * 40,
    "a" * 5000,
    "<b>&amp;</i>",
    "%s{0}{x}",
    "../../etc/passwd",
    "٣",
)
OTHERS: tuple[Any, ...] = (None, True, [], {}, [[]], [None], {"type": "telepathy"}, DEEP)
COMMANDS = [
    "/start",
    "/help",
    "/settings",
    "/apikey",
    "/queue",
    "/cancel",
    "/history",
    "/info",
    "/tree",
    "/styles",
    "/mix",
    "/upscale",
    "/vary",
    "/restyle",
    "/inpaint",
    "/outpaint",
    "/control",
    "/beautify",
    "/imagine",
    "/draw",
    "/fix",
    "/unknown",
]
WORDS = (
    "a red circle", "нарисуй красный круг", "draw me a cat --n 9", "cat --seed 99999999999999999999", "--ar 0:0",
    "x --ar 1:999999999999", "--style", "--style " + "very " * 400, "--no --no --no", "--cfg nan --steps inf",
    "--iw 1e309", "x --levels −1:", "2", "²", "top left: a balloon", "слева: шар", "покажи дерево 99", "improve",
    "улучши:", "4K", "×2", "«" * 200, "--" * 500, "—" * 50, "/", "//", "@studio_bot", "@studio_bot cat", "!" * 4096,
)  # fmt: skip
BUTTONS = ("", "x", "nothing:of:ours", "\x00", "²:²", "a" * 64, ":::::", "p", "j:", "🧑‍🎨")


@dataclass
class Grammar:
    """`spite` is how likely a value is none of its type. Each update comes from somebody else, so that answers tell."""

    seed: int
    spite: float = 0.02
    count: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def update(self) -> dict[str, Any]:
        """The next one; its number rises, but for those whose number is the trouble."""
        self.count += 1
        self.spite = self._random.choice((0.0, 0.0, 0.0, 0.005, 0.02, 0.1))
        person = 1_000_000 + self.count
        kind = self._random.choice(("message",) * 60 + ("callback_query",) * 15 + tuple(sorted(bot_api().updates)))
        update = {"update_id": self.count, kind: self._event(kind, person)}
        chance = self._random.random()
        if chance < 0.01:
            update["update_id"] = self._random.choice(NUMBERS + STRINGS + OTHERS)
        elif chance < 0.015:
            del update["update_id"]
        elif chance < 0.03:
            update[self._random.choice(("something_new", *sorted(bot_api().updates)))] = self._spite()
        return update

    def text(self, update: Any) -> str:
        """As it goes over the wire; seldom it is no JSON at all."""
        written = json.dumps(update)
        chance = self._random.random()
        if chance < 0.002:
            return written[:-1] + ', "x": ' + "[" * 3000 + "]" * 3000 + "}"
        if chance < 0.004:
            return written[: self._random.randrange(20, len(written))] if "update_id" in update else written
        return written

    def _event(self, kind: str, person: int) -> Any:
        types = {"message": "Message", "callback_query": "CallbackQuery"}
        named = types.get(kind, "Message" if kind.endswith(("message", "post")) else _type_of(kind))
        event = self._object(named, 0)
        if not isinstance(event, dict):
            return event
        if self._random.random() < 0.9:
            self._make_plausible(event, named, person)
        return event

    def _make_plausible(self, event: dict[str, Any], named: str, person: int) -> None:
        """Who and where are of one piece, as they always are, so that it gets past the first question."""
        event["from"] = {"id": person, "is_bot": False, "first_name": self._string(), "language_code": "en"}
        private = {"id": person, "type": "private", "first_name": "x"}
        chat = private if self._random.random() < 0.7 else {"id": -person, "type": "supergroup", "title": "x"}
        if named == "Message":
            event["chat"] = chat
            event.pop("business_connection_id", None)
            if self._random.random() < 0.7:
                event["text"] = self._said()
        elif named == "CallbackQuery":
            event["id"], event["data"] = str(person), self._random.choice(BUTTONS)
            if isinstance(event.get("message"), dict):
                event["message"]["chat"] = chat

    def _said(self) -> str:
        words = self._random.choice(WORDS)
        return f"{self._random.choice(COMMANDS)} {words}" if self._random.random() < 0.4 else words

    def _object(self, name: str, depth: int) -> Any:
        if self._random.random() < self.spite:
            return self._spite()
        if name in bot_api().unions:
            return self._object(self._random.choice(bot_api().unions[name]), depth)
        made = {}
        for key, its in bot_api().types.get(name, {}).items():
            wanted = 1 - self.spite if its.required else 0.12 * 0.5**depth
            if self._random.random() < wanted:
                made[key] = its.const if its.const is not None else self._value(its.type, depth + 1)
        if self._random.random() < self.spite:
            made["from_the_future"] = self._spite()
        return made

    def _value(self, type_: FieldType, depth: int) -> Any:
        if self._random.random() < self.spite:
            return self._spite()
        match type_:
            case Union(members):
                return self._value(self._random.choice(members), depth)
            case Array(item):
                return [self._value(item, depth + 1) for _ in range(self._random.choice((0, 1, 1, 2)))]
            case Object(name):
                return self._object(name, depth) if depth < 6 else {}
            case Scalar("Integer"):
                return self._random.randrange(1, 2**31)
            case Scalar("Float"):
                return self._random.random() * 100
            case Scalar("Boolean"):
                return self._random.random() < 0.5
            case Scalar("True"):
                return True
        return self._string()

    def _string(self) -> str:
        return self._random.choice((*WORDS, *STRINGS[:-1], "file-1", "file-2"))

    def _spite(self) -> Any:
        return self._random.choice((*NUMBERS, *STRINGS, *OTHERS))


def _type_of(kind: str) -> str:
    """The type of an update's kind, as far as its name tells it."""
    name = "".join(word.capitalize() for word in kind.split("_"))
    return (
        name
        if name in bot_api().types
        else {
            "my_chat_member": "ChatMemberUpdated",
            "chat_member": "ChatMemberUpdated",
            "message_reaction": "MessageReactionUpdated",
            "message_reaction_count": "MessageReactionCountUpdated",
            "chat_boost": "ChatBoostUpdated",
            "removed_chat_boost": "ChatBoostRemoved",
            "purchased_paid_media": "PaidMediaPurchased",
            "deleted_business_messages": "BusinessMessagesDeleted",
        }.get(kind, "Message")
    )
