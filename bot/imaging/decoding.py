"""Why a file of somebody's cannot be worked from. Opening files is `bot.imaging`'s."""

from __future__ import annotations

from typing import Literal, get_args

from bot.texts.errors import ToldError
from bot.texts.i18n import _
from bot.texts.units import unbroken
from inference.requests.fields import MAX_PICTURE_SIDE

Trouble = Literal[
    "not_an_image",
    "animated",
    "too_small",
    "too_many_pixels",
    "too_long",
    "broken",
    "no_heic",
    "too_big_a_file",
    "too_hard",
    "no_memory",
]
TROUBLES: tuple[Trouble, ...] = get_args(Trouble)


class PictureRefused(ToldError):
    """A file that cannot be worked from. `detail` is data: a size."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(f"{trouble}: {detail}")
        self.trouble: Trouble = trouble
        self.detail = detail

    def told(self) -> str:
        """What is wrong with the file, and what would do."""
        match self.trouble:
            case "not_an_image":
                return _("I cannot read a picture out of this. PNG, JPEG, WebP, HEIC, AVIF and TIFF will do.")
            case "animated":
                return _("This one moves, and I work from still pictures. Send me a frame of it as a photo.")
            case "too_small":
                return _("This picture is tiny ({size}). I need at least 64 pixels on each side.").format(
                    size=self.detail
                )
            case "too_many_pixels":
                text = _("This picture has too many pixels for me. Up to 64 megapixels will do; make it smaller first.")
                return unbroken(text)
            case "too_long":
                return _(
                    "This picture is too long for me ({size}): {most} pixels a side will do. Cut it into pieces first."
                ).format(size=self.detail, most=MAX_PICTURE_SIDE)
            case "broken":
                return _("This file is damaged or was cut off on its way. Please send it once more.")
            case "no_heic":
                return _("I cannot open iPhone’s HEIC files here. Send it as a photo, not as a file, and it will work.")
            case "too_big_a_file":
                text = _("This file is too big: Telegram lets me fetch 20 MB at most. Send it as a photo, or smaller.")
                return unbroken(text)
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
