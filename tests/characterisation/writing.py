"""Bot API calls and messages as lines that a person can read and a diff can show."""

from __future__ import annotations

import json
import re
from typing import Any

from inference.requests import AnyRequest

Raw = dict[str, Any]

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_ERROR_ID = re.compile(r"(?<=number: )[0-9a-f]{6}\b|(?<=номер: )[0-9a-f]{6}\b")
_WAIT = re.compile(r"(🕓 [^\n·]*) · .*?(?=\n|\\n|'|$)")
SHOWN_ELSEWHERE = frozenset(
    {"chat_id", "message_id", "text", "caption", "parse_mode", "reply_markup", "reply_parameters", "photo", "document",
     "media", "entities", "callback_query_id", "show_alert", "url", "disable_notification", "link_preview_options",
     "commands"}
)  # fmt: skip


class Names:
    """Stable names for what differs from run to run."""

    def __init__(self) -> None:
        self._blobs: dict[str, str] = {}

    def stable(self, text: str) -> str:
        text = _DIGEST.sub(lambda found: self._blobs.setdefault(found[0], f"blob-{len(self._blobs) + 1}"), text)
        return _WAIT.sub(r"\1 · (how long)", _ERROR_ID.sub("(error id)", text))

    def order(self, job_id: int, request: AnyRequest) -> str:
        """What the queue hands to a worker, without what is as always."""
        fields = request.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})
        return self.stable(f"* job {job_id}: {request.kind} {json.dumps(fields, ensure_ascii=False)}")


def message_lines(body: Raw) -> list[str]:
    """What a message shows: media, text, marks in it, and the keyboard with what its buttons carry."""
    lines: list[str] = []
    if photo := body.get("photo"):
        lines.append(f"    [photo {photo[-1]['width']}x{photo[-1]['height']}]")
    if document := body.get("document"):
        lines.append(f"    [file {document.get('file_name')}, {document.get('mime_type')}]")
    text = str(body.get("text") or body.get("caption") or "")
    lines += [f"    | {line}".rstrip() for line in text.split("\n")] if text else []
    units = text.encode("utf-16-le")
    for mark in body.get("entities") or body.get("caption_entities") or []:
        marked = units[2 * mark["offset"] : 2 * (mark["offset"] + mark["length"])].decode("utf-16-le")
        of = {key: value for key, value in mark.items() if key not in ("type", "offset", "length")}
        lines.append(f"    ~ {mark['type']}: {marked!r}" + (f" {json.dumps(of, sort_keys=True)}" if of else ""))
    for row in body.get("reply_markup", {}).get("inline_keyboard", []):
        lines.append("    " + " ".join(_button(key) for key in row))
    return lines


def _button(key: Raw) -> str:
    carried = key.get("callback_data")
    if carried is None:
        carried = json.dumps(
            {name: it for name, it in key.items() if name not in ("text", "style")}, ensure_ascii=False
        )
    return f"[{key['text']} = {carried}" + (f" ({key['style']})]" if "style" in key else "]")


def is_progress(call: Raw) -> bool:
    """Whether a call keeps the status of a living job up to date; how often that happens depends on the machine."""
    rows = (call["params"].get("reply_markup") or {}).get("inline_keyboard", []) if "params" in call else []
    data = [str(key.get("callback_data", "")).rpartition(":")[0] for row in rows for key in row]
    return call["method"].startswith("editMessage") and data == ["j:cancel", "j:queue"]


def about(call: Raw) -> tuple[int, int]:
    """The chat and the message that a call is about, to put what came from several errands into one order."""
    params, result = call["params"], call["result"]
    sent = result.get("message_id") if isinstance(result, dict) else None
    return int(params.get("chat_id") or 0), int(sent or params.get("message_id") or 0)


def call_lines(call: Raw) -> list[str]:
    """A call of the bot: the method, what it is about, and what it left in the chat."""
    method, params, result = call["method"], call["params"], call["result"]
    words = [f"  {method}"]
    if method == "answerCallbackQuery":
        words += [repr(params["text"])] if params.get("text") else []
        words += ["(alert)"] if str(params.get("show_alert")).lower() == "true" else []
    elif "chat_id" in params:
        number = (
            result["message_id"] if isinstance(result, dict) and "message_id" in result else params.get("message_id")
        )
        words += [f"#{number}"] if number else []
        words += [f"in {params['chat_id']}"] if str(params["chat_id"]).startswith("-") else []
    lines: list[str] = []
    if isinstance(result, dict) and "message_id" in result:
        answered = result.get("reply_to_message")
        words += [f"to #{answered['message_id']}"] if answered and method.startswith("send") else []
        words += ["silently"] if str(params.get("disable_notification")).lower() == "true" else []
        shown = {"reply_markup": result.get("reply_markup", {})} if method == "editMessageReplyMarkup" else result
        lines = message_lines(shown)
        markup = params.get("reply_markup")
        if isinstance(markup, dict) and "inline_keyboard" not in markup:
            lines.append(f"    {json.dumps(markup, ensure_ascii=False, sort_keys=True)}")
    if method == "setMyCommands":
        lines = [f"    /{it['command']}: {it['description']}" for it in params["commands"]]
    others = {name: value for name, value in params.items() if name not in SHOWN_ELSEWHERE}
    words += [json.dumps(others, ensure_ascii=False, sort_keys=True)] if others and not method.startswith("get") else []
    if not call["ok"]:
        words.append(f"refused: {call['error']}")
    return [" ".join(words), *lines]
