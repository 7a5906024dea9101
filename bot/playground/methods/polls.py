"""sendPoll and stopPoll. People vote by the user plane; the bot hears of each vote."""

from __future__ import annotations

import secrets
from typing import Any

from bot.playground.entities import formatted
from bot.playground.errors import bad_request
from bot.playground.methods.call import Call, method
from bot.playground.methods.keyboards import inline_keyboard
from bot.playground.methods.sending import post, prepared
from bot.playground.views import announce

OPTIONS = range(2, 13)
NOT_SIMULATED = (
    *("media", "explanation_media", "description", "open_period", "close_date", "country_codes", "members_only"),
    *("allow_adding_options", "shuffle_options", "hide_results_until_closes"),
)


@method("sendPoll")
async def send_poll(call: Call) -> Any:
    target = prepared(call)
    for name in NOT_SIMULATED:
        if call.get(name):
            raise bad_request(f"{name.replace('_', ' ')} of polls is not supported by the playground")
    return call.view(post(call, target, {"poll": _poll(call)}))


def _poll(call: Call) -> dict[str, Any]:
    kind = call.get("type", "regular")
    if kind not in ("regular", "quiz"):
        raise bad_request("unsupported poll type specified")
    if len(call.params["options"]) not in OPTIONS:
        raise bad_request(f"poll must have {OPTIONS[0]}-{OPTIONS[-1]} options")
    several = call.get("allows_multiple_answers", False)
    poll: dict[str, Any] = {
        "id": str(secrets.randbits(62)),
        **_text(call.params, "question", 300),
        "options": [_option(index, it) for index, it in enumerate(call.params["options"])],
        "is_closed": call.get("is_closed", False),
        "is_anonymous": call.get("is_anonymous", True),
        "type": kind,
        "allows_multiple_answers": several,
        "allows_revoting": call.get("allows_revoting", kind == "regular"),
        "members_only": False,
    }
    return poll | (_answers(call, len(poll["options"]), several) if kind == "quiz" else {})


def _option(index: int, source: dict[str, Any]) -> dict[str, Any]:
    if "media" in source:
        raise bad_request("media of poll options is not supported by the playground")
    return {"persistent_id": str(index), **_text(source, "text", 100)}


def _answers(call: Call, count: int, several: bool) -> dict[str, Any]:
    right = call.get("correct_option_ids", [])
    if not right or any(not 0 <= it < count for it in right) or (len(right) > 1 and not several):
        raise bad_request("wrong correct option ID specified")
    return {"correct_option_ids": right, **_text(call.params, "explanation", 200)}


def _text(source: dict[str, Any], name: str, most: int) -> dict[str, Any]:
    """A text of a poll with its entities, none of those that are found by themselves."""
    text = formatted(source.get(name, ""), source.get(f"{name}_parse_mode"), source.get(f"{name}_entities"))
    if not text.text and name != "explanation":
        raise bad_request(f"poll {'question' if name == 'question' else 'options'} must be non-empty")
    if len(text.text) > most:
        raise bad_request(f"poll {name} length must not exceed {most}")
    shown = text.entities if name == "explanation" else [it for it in text.entities if it["type"] == "custom_emoji"]
    return ({name: text.text} if text.text else {}) | ({f"{name}_entities": shown} if shown else {})


@method("stopPoll")
async def stop_poll(call: Call) -> Any:
    message = call.message("message_id", "message with poll to stop not found")
    if message.sender["id"] != call.bot.id or "poll" not in message.body:
        raise bad_request("poll can't be stopped")
    if message.body["poll"]["is_closed"]:
        raise bad_request("poll has already been closed")
    markup = inline_keyboard(call.get("reply_markup"), call.world.chats[message.chat])
    message.body = {key: it for key, it in message.body.items() if key != "reply_markup"}
    message.body |= {"poll": message.body["poll"] | {"is_closed": True}} | ({"reply_markup": markup} if markup else {})
    call.world.save_message(message)
    announce(call.world, "edit", message)
    return message.poll()
