"""Pictures of late, by short names, so that a language model can say which one it means."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from collections import OrderedDict

from PIL import Image

MOST_OF_ONE, MOST_BYTES = 32, 256_000_000  # pictures of one person, and of all
MOST_GIVEN = 20_000_000  # bytes of a picture that comes along
SHOWN_SIDE, SHOWN_QUALITY = 1536, 88  # pixels, and of JPEG: what language models look at


class Unknown(ValueError):
    """What was named is no picture that is kept, and none itself; the message says what would be one."""


class Gallery:
    """State: the pictures, the last used last. Nobody sees those of another."""

    def __init__(self, most_of_one: int = MOST_OF_ONE, most_bytes: int = MOST_BYTES) -> None:
        self._most_of_one = most_of_one
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0

    def keep(self, owner: str, png: bytes) -> str:
        """Keeps a picture as long as there is room. Returns its name."""
        name = hashlib.sha256(png).hexdigest()[:12]
        if (owner, name) not in self._kept:
            self._bytes += len(png)
        self._kept[owner, name] = png
        self._kept.move_to_end((owner, name))
        own = [key for key in self._kept if key[0] == owner]
        for key in own[: -self._most_of_one]:
            self._forget(key)
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))
        return name

    def take(self, owner: str, said: str) -> bytes:
        """The picture that is meant: one that is kept, or one that comes along in base64. Raises Unknown."""
        if (png := self._kept.get((owner, said.strip()))) is not None:
            self._kept.move_to_end((owner, said.strip()))
            return png
        return given(said)

    def _forget(self, key: tuple[str, str]) -> None:
        self._bytes -= len(self._kept.pop(key))


def given(said: str) -> bytes:
    """A picture in base64, be it a data URL. Raises Unknown."""
    if len(said) > MOST_GIVEN * 4 // 3 + 200:
        raise Unknown(f"a picture may have {MOST_GIVEN // 1_000_000} MB")
    head, comma, content = said.partition(",")
    encoded = content if comma and head.startswith("data:image/") else said
    try:
        picture = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        picture = b""
    if len(picture) < 64:
        raise Unknown("name a picture that was drawn here of late, or give one in base64")
    return picture


def as_shown(png: bytes) -> tuple[bytes, tuple[int, int]]:
    """A JPEG to be looked at, smaller where the picture is large, and the width and height of the picture itself."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as opened:
        size = opened.size
        picture = opened.convert("RGB")
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=SHOWN_QUALITY)
    return out.getvalue(), size
