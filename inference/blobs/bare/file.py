"""What is left of a picture file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

MOST_PROFILE = 4_000_000  # bytes of an ICC profile; those of printers have two million
MOST_METADATA = 1_000_000  # bytes of a block that may tell how a picture is turned
MOST_BLOCKS = 8  # of those


@dataclass(frozen=True)
class Bare:
    """`file` is what a decoder is handed. `turn` is None where the decoder has to be asked for its metadata, and so
    with `profile`: the ICC profile, or one made of what the file says of its colours. `moving`: of several frames."""

    file: BinaryIO
    turn: int | None = None
    profile: bytes | None = None
    moving: bool = False
