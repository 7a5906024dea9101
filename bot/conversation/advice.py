"""What a person reads when a wish cannot be taken: what is wrong, and what to do instead."""

from __future__ import annotations

from bot.imaging.decoding import PictureRefused, Trouble
from bot.jobs.cards import escape, refused, shortened, style_name, wait
from bot.jobs.compose import ModeMissing, TooLong
from bot.jobs.order import EngineAway
from bot.modes.enlarge import BadFactor, TooLarge
from bot.modes.extend.canvas import PERCENT, BadShare
from bot.modes.outlines import BadScale, NoDepthMap, NoLook
from bot.modes.source import NoPicture, TooManyPictures, WhichPicture
from bot.prompt import (
    BOUNDS,
    MAX_RATIO,
    PARAMETERS,
    BadValue,
    Conflict,
    Misplaced,
    MissingValue,
    NoWords,
    PromptError,
    Stray,
    TooMuch,
    UnknownParameter,
    UnknownStyle,
)
from bot.store.room import MEGABYTE, NoRoom
from bot.texts.i18n import _, ngettext
from bot.troubles import cause_of_trouble
from inference.queue.jobs import OutOfOrder, QueueFull, Refused, TooManyWaiting, WaitTooLong

VALUE_CHARS = 60


def advice(error: PromptError | Refused | EngineAway) -> str:
    """HTML for any of the errors of taking a wish in."""
    return _about_prompt(error) if isinstance(error, PromptError) else _about_queue(error)


def _about_prompt(error: PromptError) -> str:
    match error:
        case UnknownParameter(name=name, nearest=None):
            return _("I do not know --{name}. I know: {known}.").format(
                name=_said(name), known=" ".join(f"<code>--{known}</code>" for known in PARAMETERS)
            )
        case UnknownParameter(name=name, nearest=nearest):
            return _("I do not know --{name}. Did you mean <code>--{nearest}</code>? Nothing was drawn.").format(
                name=_said(name), nearest=nearest
            )
        case UnknownStyle(value=value, nearest=None):
            return _("I do not know the style “{style}”. All styles: /styles").format(style=_said(value))
        case UnknownStyle(value=value, nearest=str(nearest)):
            return _(
                "I do not know the style “{style}”. Did you mean “{name}”: <code>--style {nearest}</code>? "
                "All styles: /styles"
            ).format(style=_said(value), name=style_name(nearest), nearest=nearest)
        case Misplaced(parameter=parameter, commands=commands):
            return _("--{parameter} belongs to {commands}. Leave it out here; nothing was drawn.").format(
                parameter=parameter, commands=" ".join(f"/{it}" for it in commands)
            )
        case MissingValue(parameter=parameter):
            return _("--{parameter} needs a value: {example}").format(
                parameter=parameter, example=f"<code>{_example(parameter)}</code>"
            )
        case BadShare(value=value):
            least, most = PERCENT
            return _("I can extend a picture by {least} to {most} % of its side, not by {value} %.").format(
                least=least, most=most, value=_said(value)
            )
        case BadFactor(value=value):
            return _(
                "I can make a picture twice or four times as large, or bring it to 4K; “{value}” I cannot. "
                "For example: {example}"
            ).format(value=_said(value), example="<code>/upscale 4</code>")
        case BadScale(value=value, fitting=(lowest, highest)):
            return _("“{value}” does not fit --{parameter}: {bounds}. For example: {example}").format(
                value=_said(value),
                parameter="scale",
                bounds=_("a number from {lowest} to {highest}").format(lowest=f"{lowest:g}", highest=f"{highest:g}"),
                example=f"<code>{_example('scale')}</code>",
            )
        case BadValue(parameter=parameter, value=value):
            return _("“{value}” does not fit --{parameter}: {bounds}. For example: {example}").format(
                value=_said(value),
                parameter=parameter,
                bounds=_bounds(parameter),
                example=f"<code>{_example(parameter)}</code>",
            )
        case Stray(words=words, parameter=parameter):
            return _(
                "I do not know what to do with “{words}” after --{parameter}. "
                "Put all words of the picture first, the parameters after them."
            ).format(words=_said(words), parameter=parameter)
        case TooMuch():
            return _("That is more than I can read at once. A sentence or two and a few parameters will do.")
        case Conflict(parameter=parameter):
            return _(
                "Flash has no use for --{parameter}. "
                "Leave out --flash to draw in full quality, or leave out --{parameter}."
            ).format(parameter=parameter)
        case NoWords():
            return _("Tell me what to draw, in your own words. For example: {example}").format(
                example="<code>/imagine " + _("a black cat in space") + "</code>"
            )
        case TooLong(part=part, length=length, limit=limit):
            text = (
                ngettext(
                    "This text has {length} character; at most {limit} fit.",
                    "This text has {length} characters; at most {limit} fit.",
                    length,
                )
                if part == "prompt"
                else ngettext(
                    "After --no there is {length} character; at most {limit} fit.",
                    "After --no there are {length} characters; at most {limit} fit.",
                    length,
                )
            )
            return text.format(length=length, limit=limit) + " " + _("Please make it shorter.")
        case PictureRefused(trouble=trouble, detail=detail):
            return _about_picture(trouble, detail)
        case WhichPicture(count=count):
            return _("There are {n} pictures: say which one, for example <code>/vary 2</code>.").format(n=count)
        case NoRoom(lack="person", limit=limit):
            return _(
                "Your photos fill all the room that one person has here, {mb} MB, and all of them are in use. "
                "What you have made stays. For more room, ask the owner of this studio."
            ).format(mb=limit // MEGABYTE)
        case NoRoom():
            return _(
                "The studio has no room for new photos at the moment, not your fault. Drawing from words works as "
                "ever; please send the photo again later, or tell the owner."
            )
        case TooManyPictures():
            return _("I am still busy with other pictures of yours. Please send this one again in a moment.")
        case NoPicture():
            return _("Which picture? Reply to one with this command, or send one with the command as its caption.")
        case NoLook():
            return _(
                "With /control, --iw is how much of the look of other pictures to take, and there is only one here. "
                "Send an album: the shapes of the first picture, the look of the others."
            )
        case NoDepthMap():
            return _(
                "--method depth takes a picture that is a depth map itself. If yours is one, add --drawn; "
                "for any other, --method outlines does."
            )
        case TooLarge(width=width, height=height):
            return _("That would be {size} pixels, more than I can make. It is large already.").format(
                size=f"{width}×{height}"
            )
        case ModeMissing(lacks=lacks):
            return missing_mode(error.name or error.mode, lacks)
    raise TypeError(f"no advice for {error!r}")


def _about_queue(error: Refused | EngineAway) -> str:
    match error:
        case TooManyWaiting(limit=limit):
            return ngettext(
                "You have {n} request waiting already, that is all I can keep for one person. "
                "Wait for it, or make room with /cancel.",
                "You have {n} requests waiting already, that is all I can keep for one person. "
                "Wait for one of them, or make room with /cancel.",
                limit,
            ).format(n=limit)
        case QueueFull():
            return _("The line is full, not your fault. Please try again in a few minutes.")
        case WaitTooLong(eta_seconds=eta):
            return _(
                "This would be ready in {wait}, and I do not want to keep you waiting that long. "
                "Try fewer pictures, Flash, or come back later."
            ).format(wait=wait(eta))
        case OutOfOrder(trouble=trouble):
            return refused(cause_of_trouble(trouble))
        case EngineAway():
            return _(
                "The drawing engine cannot be reached, not your fault. I keep trying to wake it; "
                "please try again in a minute."
            )
    raise TypeError(f"no advice for {error!r}")


def _about_picture(trouble: Trouble, detail: str) -> str:
    """What is wrong with a file somebody sent, and what would do."""
    match trouble:
        case "not_an_image":
            return _("I cannot read a picture out of this. PNG, JPEG, WebP, HEIC and TIFF will do.")
        case "animated":
            return _("This one moves, and I work from still pictures. Send me a frame of it as a photo.")
        case "too_small":
            return _("This picture is tiny ({size}). I need at least 64 pixels on each side.").format(size=detail)
        case "too_many_pixels":
            return _("This picture has too many pixels for me. Up to 64 megapixels will do; make it smaller first.")
        case "broken":
            return _("This file is damaged or was cut off on its way. Please send it once more.")
        case "no_heic":
            return _("I cannot open iPhone’s HEIC files here. Send it as a photo, not as a file, and it will work.")
        case "too_big_a_file":
            return _("This file is too big: Telegram lets me fetch 20 MB at most. Send it as a photo, or smaller.")
        case "too_hard":
            return _(
                "This file takes far more work to open than a picture should, so I stopped. "
                "Save it anew as JPEG or PNG, or send it as a photo, and it will work."
            )
        case "no_memory":
            return _(
                "I have no room to open this picture right now, not your fault. "
                "Please send it again in a minute, or as a photo."
            )


def missing_mode(name: str, lacks: str) -> str:
    """That a mode has no weights here, and what its owner would have to do."""
    text = _("“{mode}” is not installed in this studio.").format(mode=name)
    if lacks:
        return text + " " + _("For the owner: {lacks}").format(lacks=f"<code>{_said(lacks)}</code>")
    return text + " " + _("The owner can see with “doctor” which files it takes.")


def _said(text: str) -> str:
    return escape(shortened(text, VALUE_CHARS))


def _bounds(parameter: str) -> str:
    if parameter == "ar":
        return _("width to height, from 1:{most} to {most}:1").format(most=MAX_RATIO)
    if parameter == "method":
        return _("outlines, depth or scribble")
    lowest, highest = BOUNDS[parameter]
    if parameter == "levels":
        return _("two different numbers for black and white, from {lowest} to {highest}").format(
            lowest=lowest, highest=highest
        )
    if parameter not in ("seed", "n", "steps"):
        return _("a number from {lowest} to {highest}").format(lowest=lowest, highest=highest)
    return _("a whole number from {lowest} to {highest}").format(lowest=lowest, highest=highest)


def _example(parameter: str) -> str:
    values = {
        "ar": "16:9",
        "no": _("text, people"),
        "seed": "42",
        "style": "anime",
        "n": "4",
        "steps": "30",
        "cfg": "3",
        "iw": "0.6",
        "strength": "0.6",
        "scale": "0.8",
        "start": "0",
        "end": "0.8",
        "levels": "-1:1",
        "method": "depth",
    }
    return f"--{parameter} {values[parameter]}"
