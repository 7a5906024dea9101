"""What a program is told where a person would read a sentence of ours."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.imaging.decoding import PictureRefused
from bot.jobs.compose import ModeMissing, TooLong
from bot.jobs.mode import Modes
from bot.store.calls import AskedOtherwise, TooManyCalls
from bot.store.room import NoRoom
from bot.telegram.turns import LineFull
from bot.texts.errors import ToldError
from bot.texts.i18n import speaking
from inference.api import ApiError
from inference.blobs import BlobMissing
from inference.queue.jobs import OutOfOrder, QueueFull, TooManyWaiting, WaitTooLong
from inference.requests import Failed

_TAG = re.compile(r"<[^>]*>")
FULL_SECONDS, BUSY_SECONDS, BROKEN_SECONDS = 30.0, 5.0, 30.0

# Status, whether to ask again, and what a program reads of a job that has failed.
_FAILURES: dict[str, tuple[int, str]] = {
    "invalid_request": (400, "The model cannot draw this request."),
    "source_gone": (409, "A picture that this works from has been deleted meanwhile."),
    "missing_weights": (503, "The weights for this are not installed here any more."),
    "out_of_memory": (500, "The picture does not fit into the memory of the card."),
    "not_finite": (500, "The model has computed no picture from this."),
    "engine_crashed": (500, "The engine has crashed over this request."),
    "too_many_attempts": (500, "The request was interrupted too often."),
    "timed_out": (504, "The picture took longer than one may take."),
    "disk_full": (503, "There is no room for pictures."),
}


@contextmanager
def refusing(modes: Modes[Any]) -> Iterator[None]:
    """Whatever the studio refuses inside is an ApiError outside."""
    try:
        yield
    except ApiError:
        raise
    except (ToldError, LineFull, BlobMissing, AskedOtherwise, TooManyCalls, SQLAlchemyError, OSError) as refused:
        raise _refusal(modes, refused) from refused
    except (OutOfOrder, QueueFull, TooManyWaiting, WaitTooLong) as refused:
        raise _of_the_queue(refused) from refused


def failure(failed: Failed) -> ApiError:
    """Why a job has given no picture. Asking once more would not help."""
    status, message = _FAILURES.get(failed.code, (500, "Something went wrong while this was drawn."))
    return ApiError(status, failed.code, message, again=False)


def _of_the_queue(refused: OutOfOrder | QueueFull | TooManyWaiting | WaitTooLong) -> ApiError:
    match refused:
        case TooManyWaiting(limit=limit):
            message = f"This person has {limit} requests waiting already."
            return ApiError(429, "rate_limit_exceeded", message, retry_after=BUSY_SECONDS)
        case QueueFull():
            return ApiError(429, "queue_full", "The line is full.", retry_after=FULL_SECONDS)
        case WaitTooLong(eta_seconds=eta):
            message = f"This would be ready in {eta:.0f} seconds, longer than anybody is kept waiting."
            return ApiError(429, "wait_too_long", message, retry_after=min(eta, 600.0) / 2)
    return ApiError(503, "out_of_order", "Nothing can be drawn until the owner has mended something.", retry_after=60)


def _refusal(modes: Modes[Any], refused: Exception) -> ApiError:
    match refused:
        case PictureRefused(trouble="no_memory"):
            return ApiError(503, "busy", "There is no room to open a picture right now.", retry_after=BUSY_SECONDS)
        case PictureRefused(trouble=trouble):
            return ApiError(400, f"picture_{trouble}", _plain(modes, refused), param="image")
        case NoRoom(lack="person"):
            return ApiError(403, "storage_full", "The pictures of this person fill all the room that one has here.")
        case NoRoom():
            return ApiError(503, "storage_full", "There is no room for pictures.", retry_after=FULL_SECONDS)
        case ModeMissing(mode=mode):
            return ApiError(400, "not_installed", f"The weights for this ({mode}) are not installed here.")
        case TooLong(part=part, limit=limit):
            param = "prompt" if part == "prompt" else "negative_prompt"
            return ApiError(400, "too_long", f"At most {limit} characters fit beside the style.", param=param)
        case ToldError():
            return ApiError(400, "invalid_request", _plain(modes, refused))
        case LineFull():
            return ApiError(429, "busy", "Pictures of this person are being looked at.", retry_after=BUSY_SECONDS)
        case BlobMissing():
            return ApiError(409, "source_gone", "A picture of this has been deleted meanwhile.")
        case AskedOtherwise():
            message = "Something else was asked for with this Idempotency-Key."
            return ApiError(409, "idempotency_key_reused", message, again=False)
        case TooManyCalls():
            message = "This person's programs have used too many Idempotency-Keys today."
            return ApiError(429, "too_many_idempotency_keys", message, again=False)
    return ApiError(503, "unavailable", "Nothing can be stored right now.", retry_after=BROKEN_SECONDS)


def _plain(modes: Modes[Any], error: ToldError) -> str:
    """What a person would read, in English and without marks."""
    modes.complete(error)
    with speaking("en"):
        return html.unescape(_TAG.sub("", error.told()))
