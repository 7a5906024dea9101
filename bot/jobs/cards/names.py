"""What things are called: modes, and in one line what somebody has asked for."""

from __future__ import annotations

from bot.texts.html import quote, shortened
from bot.texts.i18n import _, ngettext
from inference.requests import AnyRequest, Control, FlashMix, FlashTextToImage, Mix, TextToImage

WISH_CHARS = 80


def mode_name(kind: str) -> str:
    """What a kind of request is called where a person chooses it or misses it."""
    match kind:
        case "flash":
            return _("Flash")
        case "full":
            return _("Full quality")
        case "refine":
            return _("Refinement")
        case "inpaint":
            return _("Repainting")
        case "outpaint":
            return _("Extending")
        case "mix":
            return _("Image prompts")
        case "mix_flash":
            return _("Quick mixing (experimental)")
        case "hed":
            return _("By outlines")
        case "depth":
            return _("By depth")
        case "scribble":
            return _("By a scribble")
        case "flash_x2":
            return _("Enlarging ×2")
        case "x2":
            return _("Enlarging ×2 in full quality")
        case "x4":
            return _("Enlarging ×4")
        case "beautify":
            return _("Improving the words")
        case "translate":
            return _("Translating the words")
    return kind


def task(request: AnyRequest, words: str) -> str:
    """What is to be done with a picture, in a few words; empty where the words alone say everything."""
    match request:
        case FlashTextToImage() | TextToImage():
            return ""
        case Mix() | FlashMix() if len(request.images) > 1:
            count = len(request.images)
            return "🧬 " + ngettext("Mix of {n} picture", "Mix of {n} pictures", count).format(n=count)
        case Mix() | FlashMix():
            return "🖼 " + _("Picture and words") if words else "🎨 " + _("Variation")
        case Control(styles=styles) if styles:
            return "🖼 " + _("Style transfer")
    icons = {"refine": "💎", "inpaint": "🖌", "outpaint": "↔️", "beautify": "✨", "translate": "🌐"}
    icon = icons.get(request.kind, "✏️" if isinstance(request, Control) else "🔎")
    return f"{icon} {mode_name(request.kind)}"


def wish(request: AnyRequest, words: str) -> str:
    """What somebody has asked for, as HTML: the task where there is one, and their words."""
    done = task(request, words)
    return "\n".join(part for part in (done and f"<b>{done}</b>", quote(words) if words or not done else "") if part)


def plain_wish(request: AnyRequest, words: str, limit: int = WISH_CHARS) -> str:
    """The same in one line without tags, not escaped."""
    return shortened(" · ".join(part for part in (task(request, words), words) if part), limit)
