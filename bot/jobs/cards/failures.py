"""What a person reads when there will be no picture."""

from __future__ import annotations

from bot.texts.i18n import _
from inference.requests import Failed, FailureCode


def failed(wish: str, failure: Failed, job_id: int) -> str:
    """What happened, whose fault it is, what to do, and an id the owner can look up."""
    happened, advice = _failure(failure.code)
    return f"⚠️ <b>{happened}</b>\n{advice}\n{wish}\n<code>#{job_id}</code>"


def _failure(code: FailureCode) -> tuple[str, str]:
    match code:
        case "invalid_request":
            return _("The model refused these settings."), _("Try another size or fewer parameters.")
        case "source_gone":
            return _("The picture to work from is no longer there."), _("Please send it once more.")
        case "missing_weights":
            return (
                _("This mode is not installed here."),
                _("Not your fault: the owner of the studio has to download it. Flash may work."),
            )
        case "out_of_memory":
            return (
                _("The graphics card ran out of memory, even in the leanest way of drawing."),
                _("Not your fault. A smaller picture or --n 1 should fit."),
            )
        case "not_finite":
            return (
                _("The model lost itself in its own numbers, so there is no picture."),
                _("Not your fault, we have written down where. Other words or another seed often help."),
            )
        case "engine_crashed" | "too_many_attempts":
            return (
                _("The drawing engine crashed on this request several times."),
                _("Not your fault, we have written down why. Changing the words a little often helps."),
            )
        case "timed_out":
            return _("This took far too long, so I stopped."), _("Not your fault. Try fewer pictures or fewer steps.")
        case "disk_full":
            return _("The studio’s disk is full."), _("Not your fault, and the owner has been told.")
        case "internal":
            return _("Something broke on our side."), _("Not your fault, we have written down why. Please try again.")
