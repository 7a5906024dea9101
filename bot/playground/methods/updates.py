"""getUpdates and webhooks. Which of the two a bot uses is its own choice, never both."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from bot.playground.errors import ApiError, bad_request
from bot.playground.methods.call import Call, method
from bot.playground.records import Webhook
from bot.playground.schema import bot_api

MAX_HOLD = 50  # seconds


@method("getUpdates")
async def get_updates(call: Call) -> Any:
    if call.bot.webhook is not None:
        raise ApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
        )
    _allow(call)
    mailbox = call.world.mailboxes[call.bot.id]
    hold = min(max(call.get("timeout", 0), 0), MAX_HOLD)
    updates = await mailbox.take(call.get("offset", 0), call.get("limit", 100), hold)
    return [it.as_json() for it in updates]


def _allow(call: Call) -> None:
    """An empty list means the default again; without the parameter the earlier choice stays."""
    wanted = call.get("allowed_updates")
    if wanted is None:
        return
    known = [it for it in wanted if it in bot_api().updates]
    if (known or None) != call.bot.allowed_updates:
        call.bot.allowed_updates = known or None
        call.world.save_bot(call.bot)


@method("setWebhook")
async def set_webhook(call: Call) -> Any:
    url = call.get("url", "")
    if not url:
        return await delete_webhook(call)
    try:
        address = urlsplit(url)
    except ValueError as malformed:
        raise bad_request("bad webhook: Failed to parse the URL") from malformed
    if address.scheme != "https" and not (address.scheme == "http" and call.world.may_call(address.hostname)):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if not call.world.may_call(address.hostname):
        raise bad_request("bad webhook: the playground calls addresses of this machine only")
    secret = call.get("secret_token")
    if secret is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    _allow(call)
    call.world.mailboxes[call.bot.id].end_poll("terminated by setWebhook request")
    if call.get("drop_pending_updates"):
        _drop_pending(call)
    call.bot.webhook = Webhook(url, secret, call.get("max_connections", 40))
    return _saved(call)


@method("deleteWebhook")
async def delete_webhook(call: Call) -> Any:
    if call.get("drop_pending_updates"):
        _drop_pending(call)
    call.bot.webhook = None
    return _saved(call)


def _drop_pending(call: Call) -> None:
    mailbox = call.world.mailboxes[call.bot.id]
    mailbox.confirm(*list(mailbox.pending))


def _saved(call: Call) -> bool:
    call.world.save_bot(call.bot)
    call.world.on_webhook_change(call.bot)
    call.world.events.publish("bot", {"bot": call.world.bot_view(call.bot.id)})
    return True


@method("getWebhookInfo")
async def get_webhook_info(call: Call) -> Any:
    hook = call.bot.webhook
    info: dict[str, Any] = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(call.world.mailboxes[call.bot.id].pending),
    }
    if hook is not None:
        info["max_connections"] = hook.max_connections
        if hook.last_error_date is not None:
            info |= {"last_error_date": hook.last_error_date, "last_error_message": hook.last_error_message}
    if call.bot.allowed_updates is not None:
        info["allowed_updates"] = call.bot.allowed_updates
    return info
