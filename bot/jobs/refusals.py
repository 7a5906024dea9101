"""What a person reads when what they asked for is not taken in."""

from __future__ import annotations

from typing import Any

from bot.jobs import cards
from bot.jobs.mode import Modes
from bot.texts import troubles
from bot.texts.errors import ToldError
from bot.texts.i18n import _, ngettext
from bot.troubles import cause_of_trouble
from inference.queue.jobs import OutOfOrder, QueueFull, Refused, TooManyWaiting, WaitTooLong

REFUSALS = (ToldError, Refused)


def told(modes: Modes[Any], error: ToldError | Refused) -> str:
    """HTML for one of REFUSALS. The queue knows no texts, so its refusals get theirs here."""
    match error:
        case ToldError():
            modes.complete(error)
            return error.told()
        case TooManyWaiting(limit=limit):
            return ngettext(
                "You have {n} request waiting already; I take no more from one person at a time. See or "
                "cancel it: /queue",
                "You have {n} requests waiting already; I take no more from one person at a time. See or "
                "cancel them: /queue",
                limit,
            ).format(n=limit)
        case QueueFull():
            return _("The line is full, not your fault. Please try again in a few minutes.")
        case WaitTooLong(eta_seconds=eta):
            return _(
                "This would be ready in {wait}, and I do not want to keep you waiting that long. "
                "Try fewer pictures, Flash, or come back later."
            ).format(wait=cards.wait(eta))
        case OutOfOrder(trouble=trouble):
            return troubles.refused(cause_of_trouble(trouble))
    raise TypeError(f"no words for {error!r}")
