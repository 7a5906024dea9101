"""Entities that a call gives: which ones a bot may give, and in which form they come back."""

from __future__ import annotations

from bot.playground.entities.builder import CODE, QUOTES, STYLES, Entity
from bot.playground.entities.links import MOST_USER_ID, WrongLink, checked_fields, date_fields, is_emoji_id
from bot.playground.entities.tidy import shown
from bot.playground.errors import bad_request

# The server finds these itself.
DETECTED = frozenset(
    ["mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"]
)


def given(entities: list[Entity]) -> list[Entity]:
    """Those that count, as they are stored. Raises ApiError for unknown types and addresses that lead nowhere."""
    return [kept for it in entities if it["type"] not in DETECTED and (kept := _given(it)) is not None]


def _given(it: Entity) -> Entity | None:
    kind, place = it["type"], {"offset": it["offset"], "length": it["length"]}
    if kind in (*STYLES, *QUOTES, *CODE):
        return {"type": kind, **place, **({"language": it["language"]} if kind == "pre" and it.get("language") else {})}
    if kind == "text_link":
        url = shown(it.get("url", ""))
        try:
            linked, fields = checked_fields(url)
        except WrongLink as wrong:
            raise bad_request(f"entity URL '{url}' is invalid: {wrong}") from wrong
        return {"type": linked, **place, **fields}
    if kind == "text_mention":
        user = it.get("user", {})
        return {"type": kind, **place, "user": user} if 0 < user.get("id", 0) <= MOST_USER_ID else None
    if kind == "custom_emoji":
        if not is_emoji_id(it.get("custom_emoji_id", "")):
            raise bad_request("invalid custom emoji identifier specified")
        return {"type": kind, **place, "custom_emoji_id": it["custom_emoji_id"]}
    if kind == "date_time":
        found = date_fields(str(it.get("unix_time", 0)), it.get("date_time_format", ""))
        if found is None:
            raise bad_request("invalid date specified")
        return {"type": kind, **place, **found[1]}
    raise bad_request("can't parse MessageEntity: unsupported type specified")
