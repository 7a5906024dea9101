"""What a chat does not take: where else it may go, and the words for either place."""

from __future__ import annotations

from typing import Literal

from aiogram.exceptions import TelegramAPIError
from aiogram.methods import EditMessageMedia, SendDocument, SendMediaGroup, SendPhoto

from bot.telegram.refusals import Refusal, classify
from bot.telegram.screen import Place
from bot.texts.i18n import _
from inference.queue.jobs import Job

Lack = Literal["pictures", "files", "words"]


def lack_of(refused: TelegramAPIError) -> Lack:
    """What a chat has refused to take, by a refusal that is in `NOT_HERE`."""
    if classify(refused) is Refusal.SILENCED:
        return "words"
    match refused.method:
        case SendPhoto() | EditMessageMedia():
            return "pictures"
        case SendDocument() | SendMediaGroup():
            return "files"
    return "words"


def home_of(job: Job) -> Place | None:
    """The private chat of whoever asked for a job in another chat; None for a job of a private chat, and for one of a
    group or channel that somebody speaks for."""
    return Place(job.owner_id) if job.owner_id > 0 and job.chat_id != job.owner_id else None


def not_here(lack: Lack) -> str:
    """In answer to whoever wants here what the chat does not take."""
    match lack:
        case "pictures":
            return _("This chat does not let me send pictures. Its administrators can allow it; in private I may.")
        case "files":
            return _("This chat does not let me send files. Its administrators can allow it; in private I may.")
        case "words":
            return _("I may not write in this chat. Its administrators can allow it; in private I may.")


def unanswered() -> str:
    """In private, where an answer in another chat is not allowed."""
    return _("I may not answer in the chat where you have just called me. Its administrators can allow it; here I may.")


def aside(lack: Lack) -> str:
    """In private, with what comes from another chat: why it comes here."""
    match lack:
        case "pictures":
            return _("You asked for this in a chat that does not let me send pictures.")
        case "files":
            return _("You asked for this in a chat that does not let me send files.")
        case "words":
            return _("You asked for this in a chat where I may not write.")


def instead(wish: str, home: Place | None, *, brought: bool) -> str:
    """In the chat, where pictures should be: that they exist, and where. `home` is where they were to go."""
    if brought:
        where = _("I have brought it to you in private.")
    elif home is not None:
        where = _("Nothing is lost: write to me in private and send /history.")
    else:
        where = _("Nothing is lost: /history shows it once an administrator allows pictures.")
    return "🖼 " + _("Ready, but this chat does not let me send pictures.") + f" {where}\n{wish}"
