"""What people and owners read while the studio is out of order."""

from __future__ import annotations

from bot.texts.html import escape
from bot.texts.i18n import _


def out_of_order(wish: str, cause: str) -> str:
    """In the status message of a request that waits."""
    return f"🔧 <b>{_happened(cause)}</b>\n{_whose_fault()} {_safe()}\n{wish}"


def why_it_waits(cause: str) -> str:
    """The same in plain text, for an alert."""
    return f"🔧 {_happened(cause)}\n{_whose_fault()} {_safe()}"


def refused(cause: str) -> str:
    """In answer to a new request."""
    later = _("Nothing new is taken in until then; please try again later.")
    return f"🔧 <b>{_happened(cause)}</b>\n{_whose_fault()} {later}"


def unread(cause: str) -> str:
    """In answer to a message that cannot even be written down."""
    later = _("Your message is not lost: I read it as soon as that is repaired.")
    return f"🔧 <b>{_happened(cause)}</b>\n{_whose_fault()} {later}"


def notice(cause: str, reason: str) -> str:
    """To an owner: what is wrong, the reason in the program's own words, and what to do."""
    happened, to_do = _for_owner(cause)
    return f"🔧 <b>{happened}</b>\n<code>{escape(reason)}</code>\n{to_do}"


def moved(wish: str, ended: bool) -> str:
    """In a message that was sent when the studio broke down and is not the one its request goes on in."""
    where = (
        _("This message is a leftover of an interruption. What you asked for has ended, in another message:")
        if ended
        else _("This message is a leftover of an interruption. Your request goes on in another message:")
    )
    return f"↪️ {where}\n{wish}"


def _safe() -> str:
    return _("Your request is safe and goes on by itself as soon as it is repaired.")


def _whose_fault() -> str:
    return _("Not your fault, and the owner has been told.")


def _happened(cause: str) -> str:
    match cause:
        case "engine":
            return _("The drawing engine does not start.")
        case "queue":
            return _("The studio cannot reach those who draw.")
        case "disk":
            return _("The studio’s disk is full.")
        case _:
            return _("The studio cannot reach its records.")


def _for_owner(cause: str) -> tuple[str, str]:
    doctor = _("<code>python -m bot doctor</code> says more; the log has every detail.")
    match cause:
        case "engine":
            return (
                _("The drawing engine does not start."),
                _("It is tried again every half a minute; people wait and know. Weights cut short? “weights verify”.")
                + " "
                + doctor,
            )
        case "queue":
            return (
                _("The queue’s server is out of reach."),
                _("Workers draw on; I go on by myself once it answers.") + " " + doctor,
            )
        case "disk":
            return _("The disk is full or does not let me write."), _("Make room; I go on by myself.") + " " + doctor
        case "database":
            return _("The database does not answer as it should."), _("I go on by myself once it does.") + " " + doctor
        case "update":
            return _("A message was set aside: handling it failed again and again."), doctor
        case "blobs":
            return _("The store of pictures does not take any."), _("I go on by myself once it does.") + " " + doctor
        case "slow":
            return (
                _("The database is slow."),
                _("Everybody waits for it. Is its disk busy, or does another program hold it?"),
            )
        case "workers":
            return (
                _("Nobody draws."),
                _("Requests wait and people know. Start a worker: <code>python -m inference worker</code>.")
                + " "
                + doctor,
            )
        case "version":
            return (
                _("A worker speaks another protocol and gets no jobs."),
                _("Update whichever side is older, workers first."),
            )
        case "dead":
            return (
                _("A request has ended three engines and is given up."),
                _("Whoever asked knows. The log has its number in every line about it."),
            )
        case "flood":
            return (
                _("Telegram asks for patience again and again."),
                _("Calls are paced and tried again. If it lasts, another program uses the same token."),
            )
        case "standby":
            return (
                _("The other bot is gone; this one has taken over."),
                _("Nothing is lost. Start the other one again, it will stand by."),
            )
        case _:
            return _("Something in the studio needs you."), doctor
