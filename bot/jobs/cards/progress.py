"""What a status message says from the first word to the last, except for the pictures."""

from __future__ import annotations

from bot.jobs.cards.words import wait
from bot.texts.i18n import _, ngettext
from inference.requests import Progress

BAR = 10
SOON = 3.0  # seconds that are not worth counting


def accepted(wish: str) -> str:
    return "✅ " + _("Got it, your request is saved.") + "\n" + wish


def place_in_line(place: int, eta_seconds: float | None) -> str:
    line = _("You are next in line") if place == 1 else _("In line: place {place}").format(place=place)
    return f"🕓 {line}" + ("" if eta_seconds is None else f" · {wait(eta_seconds)}")


def queued(wish: str, place: int, eta_seconds: float | None) -> str:
    return f"{place_in_line(place, eta_seconds)}\n{wish}"


def resumed(wish: str, place: int | None, eta_seconds: float | None) -> str:
    """After a restart; without a place for what was being drawn just then."""
    lines = ["🔁 " + _("The studio has restarted. Your request is safe.")]
    if place is not None:
        lines.append(place_in_line(place, eta_seconds))
    return "\n".join([*lines, wish])


def drawing(wish: str, progress: Progress | None) -> str:
    left = None if progress is None else progress.eta_seconds
    told = "" if left is None or left < SOON else " · " + _("{time} to go").format(time=wait(left))
    return f"{stage(progress)}{told}\n{wish}"


def stage(progress: Progress | None) -> str:
    """The line with the bar."""
    if progress is None:
        return "🎨 " + _("Starting to draw")
    match progress.stage:
        case "loading":
            return "📦 " + _("Loading the model, the first picture takes longer")
        case "encoding":
            return "📖 " + _("Reading your words")
        case "looking":
            return "👀 " + _("Looking at your picture")
        case "drawing":
            return "🎨 " + _("Drawing") + _share(progress)
        case "enlarging":
            return "🔎 " + _("Enlarging") + _share(progress)
        case "refining":
            return "💎 " + _("Refining") + _share(progress)
        case "writing":
            return "✍️ " + _("Looking for words")
        case "decoding":
            return "🖼 " + _("Developing")
        case "saving":
            return "💾 " + _("Almost there")


def bar(share: float) -> str:
    done = round(share * BAR)
    return "▓" * done + "░" * (BAR - done)


def _share(progress: Progress) -> str:
    share = min(1.0, progress.step / progress.of) if progress.of else 0.0
    return f" {bar(share)} {round(share * 100)} %"


def stopping(wish: str) -> str:
    """From the press to the last word of the worker."""
    return "⏹ " + _("Stopping. What is ready stays.") + "\n" + wish


def cancelled(wish: str) -> str:
    return "🚫 " + _("Cancelled.") + "\n" + wish


def stopped(ready: int, asked: int) -> str:
    """The first line of what was cancelled when `ready` pictures of those `asked` for were whole."""
    if ready < asked:
        text = ngettext("Stopped: {ready} of {n} was ready.", "Stopped: {ready} of {n} were ready.", ready)
    else:
        text = ngettext("It was ready before I could stop.", "All {n} were ready before I could stop.", asked)
    return "⏹ " + text.format(ready=ready, n=asked)
