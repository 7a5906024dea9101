"""reply_markup: what Telegram checks beyond types, and in which form it comes back."""

from __future__ import annotations

import re
from typing import Any

from bot.playground.errors import bad_request
from bot.playground.records import Chat

MAX_BUTTONS = 100
HERE = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:[/?#]|$)")  # a web app that runs beside us
LINKS = ("http://", "https://", "tg://", "ton://")


def inline_keyboard(markup: dict[str, Any] | None, chat: Chat | None) -> dict[str, Any] | None:
    """The inline keyboard as stored, without empty rows; None if nothing is left."""
    rows = [row for row in (markup or {}).get("inline_keyboard", []) if row]
    if sum(len(row) for row in rows) > MAX_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    for row in rows:
        for button in row:
            _check_button(button, chat)
    return {"inline_keyboard": rows} if rows else None


def _check_button(button: dict[str, Any], chat: Chat | None) -> None:
    if not button["text"].strip():
        raise bad_request('can\'t parse inline keyboard button: field "text" must be non-empty')
    url = button.get("url")
    if url is not None and not url.startswith(LINKS) and ("." not in url or " " in url):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    if "web_app" in button:
        address = button["web_app"]["url"]
        if not address.startswith("https://") and not HERE.match(address):
            raise bad_request(
                f"inline keyboard button Web App URL '{address}' is invalid: Only HTTPS links are allowed"
            )
        if chat is not None and not chat.is_private:
            raise bad_request("BUTTON_TYPE_INVALID")
    if "pay" in button or "callback_game" in button:
        raise bad_request("payments and games are not supported by the playground")


def split_markup(markup: dict[str, Any] | None, chat: Chat) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return (inline keyboard, reply keyboard): a message carries one of them or none."""
    if markup is None or "inline_keyboard" in markup:
        return inline_keyboard(markup, chat), None
    if "keyboard" in markup and not any(markup["keyboard"]):
        raise bad_request("can't parse keyboard: at least one button is expected")
    return None, markup
