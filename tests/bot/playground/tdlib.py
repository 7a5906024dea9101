"""TDLib itself as the judge of entities: its own parser, offline, with its answers in the words of the Bot API."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

Entity = dict[str, Any]
Read = tuple[str, list[Entity]] | str  # text and entities, or a refusal

TYPES = {"Bold": "bold", "Italic": "italic", "Underline": "underline", "Strikethrough": "strikethrough"} | {
    "Spoiler": "spoiler",
    "Code": "code",
    "Pre": "pre",
    "PreCode": "pre",
    "BlockQuote": "blockquote",
    "ExpandableBlockQuote": "expandable_blockquote",
    "TextUrl": "text_link",
    "MentionName": "text_mention",
    "CustomEmoji": "custom_emoji",
    "DateTime": "date_time",
    "Mention": "mention",
    "Hashtag": "hashtag",
    "Cashtag": "cashtag",
    "BotCommand": "bot_command",
    "Url": "url",
    "EmailAddress": "email",
}
MODES: dict[str, dict[str, Any]] = {
    "HTML": {"@type": "textParseModeHTML"},
    "MarkdownV2": {"@type": "textParseModeMarkdown", "version": 2},
    "Markdown": {"@type": "textParseModeMarkdown", "version": 1},
}


@cache
def _tdjson() -> Any:
    import tdjson  # loaded in the process that asks, and only there

    tdjson.td_execute(b'{"@type": "setLogVerbosityLevel", "new_verbosity_level": 0}')
    return tdjson


def _asked(kind: str, **fields: Any) -> dict[str, Any]:
    answer = _tdjson().td_execute(json.dumps({"@type": kind, **fields}).encode())
    found: dict[str, Any] = json.loads(answer)
    return found


def parsed(source: str, mode: str) -> Read:
    """parseTextEntities: markup read, nothing detected, nothing tidied."""
    return _read(_asked("parseTextEntities", text=source, parse_mode=MODES[mode]))


def tidied(text: str, entities: list[Entity]) -> Read:
    """What becomes of given entities. The text must hold no marks of a client's own Markdown."""
    given = [{"offset": it["offset"], "length": it["length"], "type": _type(it)} for it in entities]
    return _read(_asked("parseMarkdown", text={"@type": "formattedText", "text": text, "entities": given}))


def detected(text: str) -> list[Entity] | None:
    """getTextEntities; None where it sees what no message of a bot shows: a time in a film or a bank card."""
    found = _asked("getTextEntities", text=text)["entities"]
    kinds = {it["type"]["@type"] for it in found}
    if kinds & {"textEntityTypeMediaTimestamp", "textEntityTypeBankCardNumber"}:
        return None
    return [_entity(it) for it in found]


def _read(answer: dict[str, Any]) -> Read:
    if answer["@type"] == "error":
        reason: str = answer["message"]
        return reason[0].lower() + reason[1:]
    return answer["text"], [_entity(it) for it in answer["entities"]]


def _entity(it: dict[str, Any]) -> Entity:
    about = it["type"]
    entity: Entity = {"type": TYPES[about["@type"].removeprefix("textEntityType")]}
    entity |= {"offset": it["offset"], "length": it["length"]}
    entity |= {name: about[name] for name in ("url", "custom_emoji_id", "unix_time") if name in about}
    if about.get("language"):
        entity["language"] = about["language"]
    if "user_id" in about:
        entity["user"] = about["user_id"]
    form = about.get("formatting_type")
    return entity | ({"date_time_format": _form(form)} if form else {})


def _form(form: dict[str, Any]) -> str:
    if form["@type"] == "dateTimeFormattingTypeRelative":
        return "r"
    letters = {"dateTimePartPrecisionNone": 0, "dateTimePartPrecisionShort": 1, "dateTimePartPrecisionLong": 2}
    day, time = (letters[form[name]["@type"]] for name in ("date_precision", "time_precision"))
    return "w" * form["show_day_of_week"] + ("", "d", "D")[day] + ("", "t", "T")[time]


def _type(it: Entity) -> dict[str, Any]:
    named = {kind: name for name, kind in TYPES.items() if name != "PreCode"}
    kind = "PreCode" if it["type"] == "pre" and it.get("language") else named[it["type"]]
    fields = ("url", "custom_emoji_id", "language", "unix_time")
    about: dict[str, Any] = {name: it[name] for name in fields if name in it}
    about |= {"user_id": it["user"]["id"]} if "user" in it else {}
    return {"@type": f"textEntityType{kind}", **about}
