"""The longer texts: what the bot can do, and how to ask for more."""

from __future__ import annotations

from bot.texts.html import escape
from bot.texts.i18n import _, spoken
from inference.requests import ModelCard

WORDS_NAMED = 60


def welcome(card: ModelCard | None) -> str:
    parts = [
        _(
            "<b>Hello! I draw what you describe.</b>\n"
            "Send me a sentence, in English or in Russian, and you get four pictures. "
            "Under them are buttons: take one out, vary it, draw it in full quality, try again, get the files.\n"
            "Or send me a photo: I can vary it, restyle it, mix several, repaint a part, extend it or enlarge it."
        )
    ]
    if card is not None and card.small_world:
        parts.append(small_world(card))
    parts.append(_("Tap one of these for a first picture, or write your own. More: /help"))
    return "\n\n".join(parts)


def manual(card: ModelCard | None) -> str:
    parts = [
        _(
            "<b>Drawing</b>\n"
            "In a private chat just write what you want to see. In a group: /imagine and the words, "
            "mention me, or reply to one of my messages."
        ),
        _(
            "<b>Pictures</b>\n"
            "Send a photo and choose what to do with it, a photo with words to draw it anew, "
            "or an album of 2 to 4 to mix them. Or reply to any picture with a command:\n"
            "/vary more like it, <code>/vary strong</code> less like it\n"
            "/restyle and words: the picture and the words together\n"
            "/mix with more pictures\n"
            "/control and words: a new picture with the same outlines; under an album: the shapes of the first "
            "picture in the look of the others\n"
            "/inpaint repaint a part · /outpaint extend the frame\n"
            "/upscale twice the size, <code>/upscale 4k</code>\n"
            "/tree where it comes from and what came of it"
        ),
        _(
            "<b>Parameters</b>, after the words:\n"
            "<code>--ar 16:9</code> width to height, the shape of the picture\n"
            "<code>--n 2</code> how many pictures, 1 to 10\n"
            "<code>--style anime</code> one of the /styles\n"
            "<code>--seed 42</code> the same number draws the same picture\n"
            "<code>--full</code> full quality instead of Flash: slower and finer\n"
            "<code>--no text, people</code> what to avoid (full quality)\n"
            "<code>--steps 30</code> how long to work on it, 1 to 100 (full quality)\n"
            "<code>--cfg 3</code> how closely to follow the words, 0 to 20 (full quality)"
        ),
        _(
            "<b>Parameters for pictures</b>\n"
            "<code>--iw 0.6</code> how much of the picture, 0 to 2 (/vary, /restyle, /mix); of the look of the others "
            "(/control with an album)\n"
            "<code>--strength 0.6</code> draw over the picture itself, so far (/vary, /restyle)\n"
            "<code>--flash</code> quickly, by Flash: an experiment (/vary, /restyle, /mix)\n"
            "<code>--method depth</code> outlines, depth or scribble (/control)\n"
            "<code>--scale 0.8</code> how closely to keep it, <code>--start 0 --end 0.7</code> for which part of the "
            "steps, <code>--drawn</code> when it is a drawing already (/control)\n"
            "<code>--levels -1:1</code> which numbers the net reads for black and white of the outlines, "
            "0:1 unless you say otherwise (/control)\n"
            "<code>--full</code> twice the size in full quality, without Flash (/upscale)\n"
            "<code>--whole</code> look at all of the picture, not only at what is around the area (/inpaint)"
        ),
        _(
            "<b>Commands</b>\n"
            "/history your pictures and favourites\n"
            "/info in reply to one of my pictures or files: its recipe\n"
            "/queue your place in line\n"
            "/cancel stop what you have asked for\n"
            "/settings language, quality, format, number, style"
        ),
    ]
    if card is not None and card.small_world:
        parts.insert(0, small_world(card))
    return "\n\n".join(parts)


def small_world(card: ModelCard) -> str:
    """Kindly: this is the little model, and these words it knows."""
    text = _("The model at work here is a very small one that fits into this program, and it knows a small world.")
    words = card.vocabulary
    known = (words.ru if spoken() == "ru" else words.en) if words else ()
    if known:
        named = ", ".join(escape(word) for word in known[:WORDS_NAMED]) + ("…" if len(known) > WORDS_NAMED else "")
        text += "\n" + _("Its words: {words}").format(words=f"<i>{named}</i>")
    return "🌱 " + text
