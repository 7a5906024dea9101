"""Checks a Bot API call against the schema: unknown and missing fields, types, limits.

Fields that it does not know Telegram passes over. They are named to whoever asks; a strict check refuses them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.playground.errors import ApiError, bad_request
from bot.playground.request import Upload
from bot.playground.schema import Array, Field, FieldType, Scalar, Union, bot_api, parse_type

TRUE_WORDS = frozenset({"true", "yes", "1"})
FALSE_WORDS = frozenset({"false", "no", "0"})

MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "video": "there is no video in the request",
    "animation": "there is no animation in the request",
    "audio": "there is no audio in the request",
    "voice": "there is no voice in the request",
    "sticker": "there is no sticker in the request",
    "file_id": "file_id not specified",
    "action": "wrong parameter action in request",
    "user_id": "invalid user_id specified",
}
OUT_OF_BOUNDS = {
    "InlineKeyboardButton.callback_data": "BUTTON_DATA_INVALID",
    "CopyTextButton.text": "BUTTON_COPY_TEXT_INVALID",
    "answerCallbackQuery.text": "MESSAGE_TOO_LONG",
    "answerInlineQuery.results": "RESULTS_TOO_MUCH",
    "BotCommand.command": "BOT_COMMAND_INVALID",
    "BotCommand.description": "BOT_COMMAND_DESCRIPTION_INVALID",
    "setMyCommands.commands": "BOT_COMMANDS_TOO_MUCH",
    "setWebhook.secret_token": "secret token is too long",
    "sendMediaGroup.media": "too many or too few messages to send as an album: 1-10 are allowed",
}
FEWEST = {"sendMediaGroup.media": 1}  # where Telegram takes less than its documentation says
# Fields of older versions of the Bot API that Telegram still takes, as the objects that replaced them.
REPLACED = {
    "reply_to_message_id": ("reply_parameters", "message_id"),
    "allow_sending_without_reply": ("reply_parameters", "allow_sending_without_reply"),
    "disable_web_page_preview": ("link_preview_options", "is_disabled"),
}
# These sentences allow longer text before the markup is taken out; the methods count what is left.
COUNTED_LATER = frozenset({"sendMessage.text", "editMessageText.text", "InputTextMessageContent.message_text"})


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, the unit of entity offsets."""
    return len(text) + sum(char > "\uffff" for char in text)


@dataclass(frozen=True)
class Problem:
    path: str
    reason: str
    telegram: bool = False  # the reason is Telegram's own wording and stands alone
    unknown: bool = False  # a field that Telegram passes over

    def refusal(self) -> ApiError:
        return bad_request(self.reason if self.telegram else f"field {self.path}: {self.reason}")


@dataclass(frozen=True)
class Checked:
    """The typed parameters of a call, uploads in the place of `attach://…`, and the fields that were passed over."""

    params: dict[str, Any]
    ignored: list[str]


def check_call(method: str, raw: Mapping[str, Any], uploads: Mapping[str, Upload], strict: bool = False) -> Checked:
    """What a call asks for. Raises ApiError for what Telegram refuses, `strict` also for fields that do not exist."""
    fields = bot_api().methods[method]
    raw = raw if strict else _modernized(raw, fields)
    unknown = [
        Problem(name, f'unexpected parameter "{name}": {method} has no such field', telegram=True, unknown=True)
        for name in raw
        if name not in fields
    ]
    params: dict[str, Any] = {}
    for name, field in fields.items():
        value = uploads.get(name, raw.get(name))
        if value is None or value == "":
            if field.required:
                raise bad_request(MISSING.get(name, f'parameter "{name}" is required'))
            continue
        value = _decoded(field, value)
        value, problems = _inspect(field.type, value, name, uploads)
        problems += _beyond_limits(method, field, value, name)
        unknown += [it for it in problems if it.unknown]
        if serious := [it for it in problems if not it.unknown]:
            raise serious[0].refusal()
        params[name] = value
    if strict and unknown:
        raise unknown[0].refusal()
    return Checked(params, [it.path for it in unknown])


def _modernized(raw: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """The fields of older versions in their new places; what is written in the new way has precedence."""
    modern = {name: value for name, value in raw.items() if name in fields or name not in REPLACED}
    for name in raw.keys() - modern.keys():
        place, key = REPLACED[name]
        if place in fields and place not in raw and raw[name] not in (None, "", 0, "0"):
            modern[place] = {**modern.get(place, {}), key: raw[name]}
    if "reply_parameters" not in raw and "message_id" not in modern.get("reply_parameters", {}):
        modern.pop("reply_parameters", None)
    return modern


def problems_of(kind: str, value: Any) -> list[Problem]:
    """What is wrong with a value that should be of this type (`Message`, `Array of Update`, …)."""
    return _inspect(parse_type(kind), value, kind, {})[1]


def _decoded(field: Field, value: Any) -> Any:
    """Objects and arrays come as JSON text in forms and queries, as themselves in a JSON body."""
    structured = not isinstance(field.type, Scalar) and "String" not in _scalar_names(field.type)
    if structured and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {field.name.replace('_', ' ')} JSON object") from None
    return value


def _scalar_names(kind: FieldType) -> set[str]:
    if isinstance(kind, Scalar):
        return {kind.name}
    return {member.name for member in kind.members if isinstance(member, Scalar)} if isinstance(kind, Union) else set()


def _inspect(kind: FieldType, value: Any, path: str, uploads: Mapping[str, Upload]) -> tuple[Any, list[Problem]]:
    if isinstance(kind, Scalar):
        return _scalar(kind.name, value, path, uploads)
    if isinstance(kind, Array):
        return _array(kind, value, path, uploads)
    if isinstance(kind, Union):
        return min((_inspect(it, value, path, uploads) for it in kind.members), key=_misfit)
    members = bot_api().unions.get(kind.name)
    if members is None:
        return _object(kind.name, value, path, uploads)
    fitting = [name for name in members if _discriminator_fits(name, value)]
    if not fitting:
        return value, [Problem(path, f"is none of {', '.join(members)}")]
    return min((_object(it, value, path, uploads) for it in fitting), key=_misfit)


def _misfit(result: tuple[Any, list[Problem]]) -> tuple[int, int]:
    return sum(not it.unknown for it in result[1]), len(result[1])


def _discriminator_fits(name: str, value: Any) -> bool:
    constants = {field.name: field.const for field in bot_api().types[name].values() if field.const}
    return isinstance(value, dict) and all(value.get(key) == const for key, const in constants.items())


def _array(kind: Array, value: Any, path: str, uploads: Mapping[str, Upload]) -> tuple[Any, list[Problem]]:
    if not isinstance(value, list):
        return value, [Problem(path, "an array is expected")]
    items, problems = [], []
    for index, item in enumerate(value):
        checked, found = _inspect(kind.item, item, f"{path}[{index}]", uploads)
        items.append(checked)
        problems += found
    return items, problems


def _object(name: str, value: Any, path: str, uploads: Mapping[str, Upload]) -> tuple[Any, list[Problem]]:
    if not isinstance(value, dict):
        return value, [Problem(path, f"an object {name} is expected")]
    fields = bot_api().types[name]
    strange = [key for key in value if key not in fields]
    problems = [Problem(f"{path}.{key}", f"{name} has no such field", unknown=True) for key in strange]
    checked: dict[str, Any] = {}
    for field in fields.values():
        here = f"{path}.{field.name}"
        item = value.get(field.name)
        if item is None:
            if field.required:
                problems.append(Problem(here, "is required"))
            continue
        item, found = _inspect(field.type, item, here, uploads)
        if field.const is not None and item != field.const:
            found.append(Problem(here, f'must be "{field.const}"'))
        problems += found + _beyond_limits(name, field, item, here)
        checked[field.name] = item
    if name == "InlineKeyboardButton":
        problems += _button_problems(checked, path)
    return checked, problems


def _button_problems(button: dict[str, Any], path: str) -> list[Problem]:
    actions = button.keys() - {"text", "icon_custom_emoji_id", "style"}
    if not actions:
        reason = "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        return [Problem(path, reason, telegram=True)]
    if len(actions) > 1:
        reason = f"can't parse inline keyboard button: exactly one of {', '.join(sorted(actions))} is allowed"
        return [Problem(path, reason, telegram=True)]
    return []


def _scalar(name: str, value: Any, path: str, uploads: Mapping[str, Upload]) -> tuple[Any, list[Problem]]:
    if name == "InputFile":
        return _input_file(value, path, uploads)
    if name == "String":
        return value, [] if isinstance(value, str) else [Problem(path, "a string is expected")]
    if name in ("Boolean", "True"):
        word = str(value).lower() if isinstance(value, bool | str | int) else ""
        return word in TRUE_WORDS, [] if word in TRUE_WORDS | FALSE_WORDS else [Problem(path, "true or false expected")]
    try:
        number = float(value) if name == "Float" else int(value)
    except (TypeError, ValueError):
        number = None
    if number is None or isinstance(value, bool) or (name == "Integer" and isinstance(value, float)):
        return value, [Problem(path, "a number is expected")]
    return number, []


def _input_file(value: Any, path: str, uploads: Mapping[str, Upload]) -> tuple[Any, list[Problem]]:
    if isinstance(value, str) and value.startswith("attach://"):
        value = uploads.get(value.removeprefix("attach://"))
    return value, [] if isinstance(value, Upload) else [Problem(path, "an uploaded file is expected")]


def _beyond_limits(owner: str, field: Field, value: Any, path: str) -> list[Problem]:
    limits = field.limits
    if not limits or limits.get("after_entities") or f"{owner}.{field.name}" in COUNTED_LATER:
        return []
    size: float | None = None
    words = ""
    if "max_chars" in limits and isinstance(value, str):
        size, low, high, words = utf16_length(value), limits.get("min_chars", 0), limits["max_chars"], "characters"
    elif "max_bytes" in limits and isinstance(value, str):
        size, low, high, words = len(value.encode()), limits["min_bytes"], limits["max_bytes"], "bytes"
    elif "max_items" in limits and isinstance(value, list):
        low = FEWEST.get(f"{owner}.{field.name}", limits.get("min_items", 0))
        size, high, words = len(value), limits["max_items"], "items"
    elif "max" in limits and isinstance(value, int):
        size, low, high = value, limits["min"], limits["max"]
    if size is None or low <= size <= high:
        return []
    telegram = OUT_OF_BOUNDS.get(f"{owner}.{field.name}")
    return [Problem(path, telegram or f"{low}-{high} {words} allowed, not {size}".replace("  ", " "), bool(telegram))]
