"""The longer texts: what the bot can do, and how to ask for more."""

from __future__ import annotations

from typing import Literal

from bot.texts.html import escape
from bot.texts.i18n import _, spoken
from inference.requests import ModelCard

WORDS_NAMED = 60
WORDS_GREETED = 4

Chapter = Literal["photos", "words", "finer", "known"]
"""What the second layer of the help tells: of photos, of the parameters of words and of pictures, of known words."""


def welcome(card: ModelCard | None) -> str:
    """The first message: a greeting, and what to do next."""
    parts = [
        _(
            "<b>Hello! I draw what you describe.</b>\n"
            "Write a sentence, and four pictures come. Tap the number of the one you like under them: it "
            "can be varied, repainted in part, extended, enlarged. Photos of your own are welcome, too."
        )
    ]
    words = _known_words(card)
    if words:
        named = ", ".join(escape(word) for word in words[:WORDS_GREETED])
        parts.append(
            "🌱 " + _("A very small model draws here. It knows {words} and a few dozen more: /help").format(words=named)
        )
    parts.append(_("Tap one of these for a first picture, or write your own."))
    return "\n\n".join(parts)


def in_group(name: str) -> str:
    """What holds in a group, in five lines; `name` is the bot's, without @."""
    return "\n".join(
        [
            "✍️ "
            + _("/imagine and the words, @{name}, or a reply to me: I draw one picture.").format(name=escape(name)),
            "📷 " + _("Reply to any picture with /vary, /restyle, /inpaint, /outpaint or /upscale to work from it."),
            "👥 "
            + _(
                "Recipe, file and “Again” are for everybody, the other buttons for whoever asked. To change "
                "that: /settings"
            ),
            "🙈 " + _("/history and /tree show here what was made here. What you draw in private stays there."),
            "🕓 " + _("/queue says when yours comes, /cancel takes it back."),
        ]
    )


def overview(card: ModelCard | None, *, programs: bool = False) -> str:
    """The first layer of the help: what there is to do, in a few lines; the rest is a tap away. `programs`: whether
    they are let in."""
    lines = [
        "<b>" + _("What I can do") + "</b>",
        "✍️ " + _("Write what you want to see, and four pictures come. In a group: /imagine and the words."),
        "📷 " + _("Send a photo, a photo with words or an album, or reply to any picture with a command."),
        "👆 " + _("Use the buttons under every picture: vary, repaint a part, extend, enlarge, take the file."),
        "❤ " + _("React to a picture of yours: ❤ favourite, 👎 delete, 🔥 once more."),
        "🗂 " + _("/history your pictures · /styles · /settings · /queue · /cancel"),
    ]
    if programs:
        lines.append("🔑 " + _("/apikey keys for programs that draw in your name"))
    if card is not None and card.small_world:
        lines.append("🌱 " + _("The model here is a small one: its words are behind “Known words”."))
    return "\n".join(lines)


def chapter(name: Chapter, card: ModelCard | None) -> str:
    """One of the second layer."""
    match name:
        case "photos":
            return _(
                "<b>Photos and pictures</b>\n"
                "Send a photo and choose what to do with it, a photo with words to draw it anew, "
                "or an album of 2 to 4 to mix them. Or reply to any picture with a command:\n"
                "/vary more like it, <code>/vary strong</code> less like it\n"
                "/restyle and words: the picture and the words together\n"
                "/mix with more pictures\n"
                "/control and words: a new picture with the same outlines; under an album: the shapes of the first "
                "picture in the look of the others\n"
                "/inpaint repaint a part · /outpaint extend the frame\n"
                "/upscale twice the size, <code>/upscale 4k</code>\n"
                "/tree where it comes from and what came of it\n"
                "/info its recipe"
            )
        case "words":
            return _(
                "<b>Parameters</b>, after the words:\n"
                "<code>--ar 16:9</code> width to height, the shape of the picture\n"
                "<code>--n 2</code> how many pictures, 1 to 10\n"
                "<code>--style anime</code> one of the /styles; 🎭 under a picture draws it in another\n"
                "<code>--seed 42</code> the same number draws the same picture\n"
                "<code>--full</code> full quality instead of Flash: slower and finer\n"
                "<code>--no text, people</code> what to avoid (full quality)\n"
                "<code>--steps 30</code> how long to work on it, 1 to 100 (full quality)\n"
                "<code>--cfg 3</code> how closely to follow the words, 0 to 20 (full quality)"
            )
        case "finer":
            return _(
                "<b>Parameters for pictures</b>\n"
                "<code>--iw 0.6</code> how much of the picture, 0 to 2 (/vary, /restyle, /mix); of the look of the "
                "others (/control with an album)\n"
                "<code>--strength 0.6</code> draw over the picture itself, so far (/vary, /restyle)\n"
                "<code>--apart 0.25</code> how far several variations lie apart, 0 to 1 (/vary)\n"
                "<code>--flash</code> quickly, by Flash: an experiment (/vary, /restyle, /mix)\n"
                "<code>--method depth</code> outlines, depth or scribble (/control)\n"
                "<code>--scale 0.8</code> how closely to keep it, <code>--start 0 --end 0.7</code> for which part of "
                "the steps, <code>--drawn</code> when it is a drawing already (/control)\n"
                "<code>--levels -1:1</code> which numbers the net reads for black and white of the outlines, "
                "0:1 unless you say otherwise (/control)\n"
                "<code>--full</code> twice the size in full quality, without Flash (/upscale)\n"
                "<code>--whole</code> look at all of the picture, not only at what is around the area (/inpaint)"
            )
        case "known":
            return small_world(card) if card is not None else overview(card)


def small_world(card: ModelCard) -> str:
    """Kindly: this is the little model, and these words it knows."""
    text = _("The model at work here is a very small one that fits into this program, and it knows a small world.")
    known = _known_words(card)
    if known:
        named = ", ".join(escape(word) for word in known[:WORDS_NAMED]) + ("…" if len(known) > WORDS_NAMED else "")
        text += "\n" + _("Its words: {words}").format(words=f"<i>{named}</i>")
    return "🌱 " + text


def _known_words(card: ModelCard | None) -> tuple[str, ...]:
    """The words of a small model, in the language being spoken."""
    if card is None or not card.small_world or card.vocabulary is None:
        return ()
    return tuple(card.vocabulary.ru if spoken() == "ru" else card.vocabulary.en)
