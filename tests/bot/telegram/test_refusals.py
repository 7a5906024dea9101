"""What a refusal means follows from the method and the words, whatever the status."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import (
    DeleteMessage,
    EditMessageMedia,
    EditMessageText,
    SendDocument,
    SendMessage,
    SendPhoto,
    TelegramMethod,
)
from aiogram.types import InputMediaPhoto

from bot.jobs.elsewhere import lack_of
from bot.telegram.refusals import Refusal, classify, passes

SEND = SendMessage(chat_id=-5, text="x")
PHOTO = SendPhoto(chat_id=-5, photo="x")
FILE = SendDocument(chat_id=-5, document="x")
EDIT = EditMessageText(chat_id=-5, message_id=7, text="x")
MEDIA = EditMessageMedia(chat_id=-5, message_id=7, media=InputMediaPhoto(media="x"))
DELETE = DeleteMessage(chat_id=-5, message_id=7)
BAD, FORBIDDEN = TelegramBadRequest, TelegramForbiddenError


@pytest.mark.parametrize(
    ("kind", "method", "words", "meaning"),
    [
        (BAD, SEND, "message thread not found", Refusal.THREAD_GONE),
        (BAD, SEND, "TOPIC_DELETED", Refusal.THREAD_GONE),
        (BAD, EDIT, "message thread not found", Refusal.MESSAGE_GONE),
        (BAD, SEND, "TOPIC_CLOSED", Refusal.SILENCED),
        (BAD, PHOTO, "not enough rights to send photos to the chat", Refusal.KIND_FORBIDDEN),
        (FORBIDDEN, PHOTO, "CHAT_SEND_PHOTOS_FORBIDDEN", Refusal.KIND_FORBIDDEN),
        (FORBIDDEN, MEDIA, "CHAT_SEND_MEDIA_FORBIDDEN", Refusal.KIND_FORBIDDEN),
        (BAD, FILE, "CHAT_SEND_DOCS_FORBIDDEN", Refusal.KIND_FORBIDDEN),
        (FORBIDDEN, SEND, "CHAT_SEND_PLAIN_FORBIDDEN", Refusal.KIND_FORBIDDEN),
        (FORBIDDEN, SEND, "CHAT_WRITE_FORBIDDEN", Refusal.SILENCED),
        (BAD, SEND, "have no rights to send a message", Refusal.SILENCED),
        (BAD, DELETE, "not enough rights to delete a message", Refusal.MESSAGE_GONE),
        (FORBIDDEN, DELETE, "MESSAGE_DELETE_FORBIDDEN", Refusal.MESSAGE_GONE),
        (FORBIDDEN, EDIT, "MESSAGE_AUTHOR_REQUIRED", Refusal.MESSAGE_GONE),
        (FORBIDDEN, SEND, "bot was kicked from the supergroup chat", Refusal.BLOCKED),
        (FORBIDDEN, SEND, "bot can't initiate conversation with a user", Refusal.BLOCKED),
        (FORBIDDEN, SEND, "PRIVACY_PREMIUM_REQUIRED", Refusal.OTHER),
        (BAD, SEND, "chat not found", Refusal.CHAT_GONE),
        (BAD, SEND, "can't parse entities", Refusal.OTHER),
        (TelegramNotFound, SEND, "method not found", Refusal.OTHER),
        (TelegramConflictError, SEND, "terminated by other getUpdates request", Refusal.OTHER),
        (TelegramUnauthorizedError, SEND, "Unauthorized", Refusal.UNAUTHORIZED),
        (TelegramServerError, SEND, "Bad Gateway", Refusal.UNAVAILABLE),
    ],
)
def test_a_refusal_is_known_by_its_method_and_its_words(
    kind: type[TelegramAPIError], method: TelegramMethod[Any], words: str, meaning: Refusal
) -> None:
    assert classify(kind(method=method, message=f"Bad Request: {words}")) is meaning


def test_only_what_time_can_heal_is_tried_again() -> None:
    assert {refusal for refusal in Refusal if passes(refusal)} == {
        Refusal.FLOOD,
        Refusal.UNAVAILABLE,
        Refusal.UNAUTHORIZED,
        Refusal.NOT_SENT,
        Refusal.UNKNOWN_OUTCOME,
    }


def test_what_a_chat_lacks_is_named_by_what_it_refused() -> None:
    forbidden = "not enough rights to send it to the chat"
    lacks = [lack_of(BAD(method=method, message=forbidden)) for method in (PHOTO, MEDIA, FILE, SEND, EDIT)]
    assert lacks == ["pictures", "pictures", "files", "words", "words"]
    assert lack_of(FORBIDDEN(method=PHOTO, message="CHAT_WRITE_FORBIDDEN")) == "words"
