"""Updates as they come, one by one: what cannot be read is put aside and holds up nobody else."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiogram import Bot
from aiogram.methods import GetUpdates
from aiogram.types import Update
from aiogram.types.update import UpdateTypeLookupError
from pydantic import ValidationError

log = logging.getLogger(__name__)

LARGEST_ID = 2**63 - 2  # offset and column hold one more
MAX_UPDATE_BYTES = 256 * 1024  # Telegram's own are a tenth of it
MAX_DEPTH = 64
LOGGED_CHARS = 8000
MOST_CAUSES = 100

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_ID = re.compile(r'"update_id"\s*:\s*(\d{1,19})(?!\d)')


class GetRawUpdates(GetUpdates):
    """getUpdates whose updates are not looked into: one that nobody can read must not take the others with it."""

    __returning__ = list[Any]


class Odd(Exception):
    """An update that nothing can be made of; the message says why."""


class Seldom:
    """State: when each cause was last spoken of. Once a minute is enough."""

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said: dict[str, float] = {}

    def may_say(self, cause: str) -> bool:
        now = self._clock()
        self._said = {known: then for known, then in self._said.items() if now - then < self._seconds}
        if cause in self._said or len(self._said) >= MOST_CAUSES:
            return False
        self._said[cause] = now
        return True


def id_of(raw: Any) -> int | None:
    """The id of an update; None where there is none that Telegram could have given."""
    found = raw.get("update_id") if isinstance(raw, dict) else None
    return found if type(found) is int and 0 <= found <= LARGEST_ID else None


def id_in(text: str) -> int | None:
    """The id of the update in a text that is no JSON. Quotes inside of strings are escaped, so nobody can feign one."""
    found = _ID.search(text)
    return int(found[1]) if found and int(found[1]) <= LARGEST_ID else None


def updates_in(answer: str) -> list[str]:
    """The texts of the updates in an answer to getUpdates, however deep or malformed one of them may be."""
    texts, depth, began = list[str](), 0, 0
    for token in _TOKENS.finditer(answer, answer.find('"result"') + len('"result"')):
        if token[0] in "[{":
            depth += 1
            began = token.start() if depth == 2 else began
        elif token[0] in "]}":
            depth -= 1
            if depth == 1:
                texts.append(answer[began : token.end()])
            if depth <= 0:
                return texts
    return [*texts, answer[began:]] if depth > 1 else texts


def read(bot: Bot, raw: Any) -> tuple[Update, str]:
    """An update and its JSON. Raises Odd for what is too deep, too large, malformed, or of a kind we do not know."""
    if _depth(raw) > MAX_DEPTH:
        raise Odd(f"nested more than {MAX_DEPTH} deep")
    raw = _without_topic_lines(raw)
    body = json.dumps(raw)
    if "\\ud" in body or "\\u0000" in body:
        raw = _storable(raw)
        body = json.dumps(raw)
    if len(body) > MAX_UPDATE_BYTES:
        raise Odd(f"larger than {MAX_UPDATE_BYTES} bytes")
    try:
        update = Update.model_validate(raw, context={"bot": bot})
        _ = update.event_type
    except UpdateTypeLookupError as unknown:
        raise Odd("of an unknown kind") from unknown
    except ValidationError as refused:
        first = refused.errors(include_input=False, include_url=False)[0]
        raise Odd(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from refused
    except Exception as failed:  # validators of the library fail in ways of their own
        raise Odd(f"{type(failed).__name__}: {failed}") from failed
    return update, body


def _without_topic_lines(raw: Any) -> Any:
    """Telegram says of whatever answers nothing in a topic that it answers the line with which the topic begins. That
    line may well be the bot's, and nobody means the bot by writing below it."""
    if not isinstance(raw, dict):
        return raw
    press = raw.get("callback_query")
    pressed = {"callback_query": _without_topic_lines(press)} if isinstance(press, dict) else {}
    messages = {kind: _answering(it) for kind, it in raw.items() if kind in ("message", "edited_message")}
    return {**raw, **messages, **pressed}


def _answering(message: Any) -> Any:
    answered = message.get("reply_to_message") if isinstance(message, dict) else None
    if not isinstance(answered, dict) or "forum_topic_created" not in answered:
        return message
    return {name: it for name, it in message.items() if name != "reply_to_message"}


def read_all(bot: Bot, raws: Iterable[Any], seldom: Seldom) -> dict[int, tuple[Update, str]]:
    """Those that can be read, by id, with their JSON; the others are logged, and whole where `seldom` allows it."""
    found: dict[int, tuple[Update, str]] = {}
    for raw in raws:
        try:
            update, body = read(bot, raw)
            if id_of(raw) is None:
                raise Odd("without an id of Telegram's")
            found[update.update_id] = (update, body)
        except Odd as odd:
            if seldom.may_say(str(odd)):
                log_odd(id_of(raw), str(odd), raw)
            else:
                log.info("update %s is put aside as well: %s", id_of(raw), odd)
    return found


def log_odd(update_id: int | None, why: str, raw: Any) -> None:
    """The whole update into the log, which takes secrets out, but for what no real one has in length."""
    try:
        text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
    except RecursionError:
        text = "(too deep to be shown)"
    text = text.encode("utf-8", "backslashreplace").decode()
    shown = text if len(text) <= LOGGED_CHARS else f"{text[:LOGGED_CHARS]}… ({len(text)} characters)"
    log.warning("update %s is put aside, %s: %s", update_id, why[:300], shown)


def _storable(raw: Any) -> Any:
    """The same without half letters and nulls, which no database takes."""
    if isinstance(raw, dict):
        return {_storable(name): _storable(value) for name, value in raw.items()}
    if isinstance(raw, list):
        return [_storable(item) for item in raw]
    return _UNSTORABLE.sub("\ufffd", raw) if isinstance(raw, str) else raw


def _depth(raw: Any) -> int:
    depth, level = 0, [raw]
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return depth
