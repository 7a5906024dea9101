"""A picture file without what its pixels do not need: what decoders are handed, and what stood beside the pixels.

Texts, thumbnails, workflows and makers' notes are passed by without a look at what is in them, so that nothing wrong
there can cost the picture. Read are two things, each by a reader of its own that may find nothing: how the picture is
turned, and what its colours mean. Nothing is held in memory but what is small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from inference.blobs.bare import boxes, jpeg, png, tiff
from inference.blobs.bare.file import Bare

__all__ = ["Bare", "bared"]


def bared(file: BinaryIO) -> Bare:
    """What is left of an open file. A malformed one is handed on as it is: what is wrong with it the decoder says."""
    file.seek(0)
    head = file.read(16)
    for begins, read in _FORMATS:
        if begins(head):
            return read(file)
    file.seek(0)
    return Bare(file)


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO], Bare]], ...] = (
    (png.begins, png.bared),
    (jpeg.begins, jpeg.bared),
    (tiff.begins, tiff.bared),
    (boxes.begins, boxes.bared),
)
