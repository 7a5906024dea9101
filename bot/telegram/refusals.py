"""What Telegram's refusals mean, each by the method that was refused. The one place that reads their wording.

A code in capitals comes from Telegram's servers, a sentence from the Bot API server; the same may come with status 400
or 403.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Any

import aiohttp
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import AnswerCallbackQuery, AnswerInlineQuery, DeleteMessage, SendChatAction, TelegramMethod


class Refusal(Enum):
    """Why a call did not succeed, as far as anybody who made it can care."""

    NOT_MODIFIED = auto()
    """The message looks like this already."""
    MESSAGE_GONE = auto()
    """The message to edit, delete or reply to is not there, or can no longer be changed."""
    THREAD_GONE = auto()
    """The topic to send to is not there any more; the chat is."""
    QUERY_TOO_OLD = auto()
    """The button press has expired or was answered before."""
    KIND_FORBIDDEN = auto()
    """Messages of this kind (photos, files, words, …) are not allowed in the chat; others may be."""
    SILENCED = auto()
    """The chat is there, but the bot may write nothing in it."""
    BLOCKED = auto()
    """The person has blocked the bot, or it was thrown out of the group."""
    CHAT_GONE = auto()
    """There is no such chat (any more)."""
    MIGRATED = auto()
    """The group has become a supergroup with another id."""
    FLOOD = auto()
    """Too many requests."""
    UNAVAILABLE = auto()
    """Telegram refused with a server error: nothing was done."""
    UNAUTHORIZED = auto()
    """The token is not valid (any more): nothing is done until the owner has put in another."""
    NOT_SENT = auto()
    """No connection came about: nothing was done."""
    UNKNOWN_OUTCOME = auto()
    """The answer got lost: it may have been done or not."""
    OTHER = auto()
    """The request was wrong."""


NOT_HERE = frozenset({Refusal.KIND_FORBIDDEN, Refusal.SILENCED})
"""The chat does not take what another chat may take."""

_PASSING = frozenset(
    {Refusal.FLOOD, Refusal.UNAVAILABLE, Refusal.UNAUTHORIZED, Refusal.NOT_SENT, Refusal.UNKNOWN_OUTCOME}
)

_Rules = tuple[tuple[str, Refusal], ...]  # the first that fits a wording in small letters

_OF_METHODS: dict[str, _Rules] = {  # by how the method begins
    "send": (
        ("message thread not found", Refusal.THREAD_GONE),
        ("topic_deleted", Refusal.THREAD_GONE),
        ("topic_id_invalid", Refusal.THREAD_GONE),
    ),
    "edit": (
        ("message_author_required", Refusal.MESSAGE_GONE),
        ("message_edit_time_expired", Refusal.MESSAGE_GONE),
        ("message thread not found", Refusal.MESSAGE_GONE),
    ),
    "delete": (
        ("message_delete_forbidden", Refusal.MESSAGE_GONE),
        ("not enough rights", Refusal.MESSAGE_GONE),
    ),
}

_OF_ALL: _Rules = (
    ("message is not modified", Refusal.NOT_MODIFIED),
    ("message to edit not found", Refusal.MESSAGE_GONE),
    ("message to delete not found", Refusal.MESSAGE_GONE),
    ("message to be replied not found", Refusal.MESSAGE_GONE),
    ("message to copy not found", Refusal.MESSAGE_GONE),
    ("message can't be edited", Refusal.MESSAGE_GONE),
    ("message can't be deleted", Refusal.MESSAGE_GONE),
    ("message_id_invalid", Refusal.MESSAGE_GONE),
    ("query is too old", Refusal.QUERY_TOO_OLD),
    ("query id is invalid", Refusal.QUERY_TOO_OLD),
    ("query_id_invalid", Refusal.QUERY_TOO_OLD),
    ("chat not found", Refusal.CHAT_GONE),
    ("user not found", Refusal.CHAT_GONE),
    ("peer_id_invalid", Refusal.CHAT_GONE),
    ("channel_private", Refusal.CHAT_GONE),
    ("user_is_blocked", Refusal.BLOCKED),
    ("user_deactivated", Refusal.BLOCKED),
    ("chat_forbidden", Refusal.BLOCKED),
    ("not enough rights to send", Refusal.KIND_FORBIDDEN),
    ("not enough rights", Refusal.SILENCED),
    ("have no rights to send", Refusal.SILENCED),
    ("need administrator rights", Refusal.SILENCED),
    ("chat_write_forbidden", Refusal.SILENCED),
    ("chat_guest_send_forbidden", Refusal.SILENCED),
    ("chat_restricted", Refusal.SILENCED),
    ("chat_admin_required", Refusal.SILENCED),
    ("user_banned_in_channel", Refusal.SILENCED),
    ("topic_closed", Refusal.SILENCED),
)
_KIND = re.compile(r"chat_send_\w+_forbidden")
_CODE = re.compile(r"[A-Z]+(_[A-Z0-9]+)+")  # what Telegram's servers say, in capitals


_NO_TEXT = "no text in the message"
_OTHER_FORMS = (
    _NO_TEXT,
    "no caption in the message",
    "no media in the message",
    "to another type within an album",
    "media_grouped_invalid",
)


def classify(error: BaseException) -> Refusal:
    """What an error of a Telegram call means; OTHER for what is no such error."""
    match error:
        case TelegramRetryAfter():
            return Refusal.FLOOD
        case TelegramMigrateToChat():
            return Refusal.MIGRATED
        case TelegramUnauthorizedError():
            return Refusal.UNAUTHORIZED
        case TelegramServerError():
            # A gateway that gave up waiting does not know what happened behind it.
            return Refusal.UNKNOWN_OUTCOME if "gateway time" in str(error).lower() else Refusal.UNAVAILABLE
        case ClientDecodeError():
            return Refusal.UNKNOWN_OUTCOME
        case TelegramNetworkError():
            return _network(error)
        case TelegramForbiddenError():
            # Whoever is gone is told in a sentence; a code that nobody knows says nothing of who may hear us.
            unknown = Refusal.OTHER if _CODE.search(error.message) else Refusal.BLOCKED
            return _by_wording(error) or unknown
        case TelegramAPIError():
            return _by_wording(error) or Refusal.OTHER
    return Refusal.OTHER


def passes(refusal: Refusal) -> bool:
    """Whether the same call may succeed later. Whatever else Telegram refuses, it refuses for ever."""
    return refusal in _PASSING


def _by_wording(error: TelegramAPIError) -> Refusal | None:
    name, wording = error.method.__api_method__, error.message.lower()
    rules = next((rules for beginning, rules in _OF_METHODS.items() if name.startswith(beginning)), ())
    if _KIND.search(wording):
        return Refusal.KIND_FORBIDDEN
    return next((refusal for part, refusal in (*rules, *_OF_ALL) if part in wording), None)


def _network(error: TelegramNetworkError) -> Refusal:
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Refusal.NOT_SENT
    if isinstance(cause, aiohttp.ClientError | TimeoutError):
        return Refusal.UNKNOWN_OUTCOME
    return Refusal.OTHER  # a file that is too large is a TelegramNetworkError too


def was_needless(method: TelegramMethod[Any], refusal: Refusal) -> bool:
    """Whether things are already as the call would have made them, or nobody waits for it any more."""
    match refusal:
        case Refusal.NOT_MODIFIED:
            return True
        case Refusal.MESSAGE_GONE:
            return isinstance(method, DeleteMessage)
        case Refusal.QUERY_TOO_OLD:
            return isinstance(method, AnswerCallbackQuery | AnswerInlineQuery)
    return False


def is_other_form(error: TelegramBadRequest) -> bool:
    """Whether an edit was for a message of another form: text where there is a photo, a photo among files."""
    wording = str(error).lower()
    return any(part in wording for part in _OTHER_FORMS)


def has_no_text(error: TelegramBadRequest) -> bool:
    """Whether the text of a message was to be edited that has a caption instead."""
    return _NO_TEXT in str(error).lower()


def may_repeat(method: TelegramMethod[Any], refusal: Refusal) -> bool:
    """Whether making the call again cannot do its work twice."""
    if refusal in (Refusal.FLOOD, Refusal.UNAVAILABLE, Refusal.NOT_SENT):
        return True
    harmless = not method.__api_method__.startswith(("send", "copy", "forward"))
    return refusal is Refusal.UNKNOWN_OUTCOME and (harmless or isinstance(method, SendChatAction))
