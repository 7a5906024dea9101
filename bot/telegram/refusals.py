"""What Telegram's refusals mean. The one place that reads their wording."""

from __future__ import annotations

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
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import AnswerCallbackQuery, AnswerInlineQuery, DeleteMessage, SendChatAction, TelegramMethod


class Refusal(Enum):
    """Why a call did not succeed, as far as anybody who made it can care."""

    NOT_MODIFIED = auto()
    """The message looks like this already."""
    MESSAGE_GONE = auto()
    """The message to edit, delete or reply to is not there, or can no longer be changed."""
    QUERY_TOO_OLD = auto()
    """The button press has expired or was answered before."""
    BLOCKED = auto()
    """The person has blocked the bot, or it was thrown out of the group."""
    CHAT_GONE = auto()
    """There is no such chat (any more), or the bot may not write there."""
    MIGRATED = auto()
    """The group has become a supergroup with another id."""
    FLOOD = auto()
    """Too many requests."""
    UNAVAILABLE = auto()
    """Telegram refused with a server error: nothing was done."""
    NOT_SENT = auto()
    """No connection came about: nothing was done."""
    UNKNOWN_OUTCOME = auto()
    """The answer got lost: it may have been done or not."""
    OTHER = auto()
    """The request was wrong."""


_WORDINGS: tuple[tuple[str, Refusal], ...] = (
    ("message is not modified", Refusal.NOT_MODIFIED),
    ("message to edit not found", Refusal.MESSAGE_GONE),
    ("message to delete not found", Refusal.MESSAGE_GONE),
    ("message to be replied not found", Refusal.MESSAGE_GONE),
    ("message to copy not found", Refusal.MESSAGE_GONE),
    ("message can't be edited", Refusal.MESSAGE_GONE),
    ("message can't be deleted", Refusal.MESSAGE_GONE),
    ("message_id_invalid", Refusal.MESSAGE_GONE),
    ("message thread not found", Refusal.MESSAGE_GONE),
    ("query is too old", Refusal.QUERY_TOO_OLD),
    ("query id is invalid", Refusal.QUERY_TOO_OLD),
    ("query_id_invalid", Refusal.QUERY_TOO_OLD),
    ("chat not found", Refusal.CHAT_GONE),
    ("user not found", Refusal.CHAT_GONE),
    ("peer_id_invalid", Refusal.CHAT_GONE),
    ("not enough rights", Refusal.CHAT_GONE),
    ("have no rights to send", Refusal.CHAT_GONE),
    ("chat_write_forbidden", Refusal.CHAT_GONE),
    ("topic_closed", Refusal.CHAT_GONE),
)


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
        case TelegramForbiddenError():
            return Refusal.BLOCKED
        case TelegramServerError():
            # A gateway that gave up waiting does not know what happened behind it.
            return Refusal.UNKNOWN_OUTCOME if "gateway time" in str(error).lower() else Refusal.UNAVAILABLE
        case ClientDecodeError():
            return Refusal.UNKNOWN_OUTCOME
        case TelegramNetworkError():
            return _network(error)
        case TelegramBadRequest() | TelegramNotFound() | TelegramAPIError():
            wording = str(error).lower()
            return next((refusal for part, refusal in _WORDINGS if part in wording), Refusal.OTHER)
    return Refusal.OTHER


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
