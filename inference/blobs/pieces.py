"""A file that is put together from stretches of another one and from bytes of one's own, without a copy in memory."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import BinaryIO, cast

Piece = bytes | tuple[int, int]  # bytes, or where a stretch begins and ends


def joined(file: BinaryIO, pieces: Iterable[Piece]) -> BinaryIO:
    """The pieces of `file` one behind the other, to be read while it is open."""
    return cast(BinaryIO, io.BufferedReader(_Pieces(file, pieces)))


def length(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return file.seek(0, os.SEEK_END)


class _Pieces(io.RawIOBase):
    """State: where it is being read. Stretches that touch are one."""

    def __init__(self, file: BinaryIO, pieces: Iterable[Piece]) -> None:
        self._file, self._place = file, 0
        self._pieces: list[tuple[int, int, Piece]] = []  # from, to, and what is there
        for piece in pieces:
            self._append(piece)

    def _append(self, piece: Piece) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last is not None and isinstance(last[2], tuple) and isinstance(piece, tuple) and last[2][1] == piece[0]:
            piece, (start, _end, _) = (last[2][0], piece[1]), self._pieces.pop()
        else:
            start = last[1] if last is not None else 0
        size = len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
        if size > 0:
            self._pieces.append((start, start + size, piece))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        whole = self._pieces[-1][1] if self._pieces else 0
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: whole}[whence]
        if base + offset < 0:
            raise OSError("before the beginning of the file")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer is wider
        for start, end, piece in self._pieces:
            if start <= self._place < end:
                skipped, size = self._place - start, min(len(buffer), end - self._place)
                content = self._read(piece, skipped, size)
                buffer[: len(content)] = content
                self._place += len(content)
                return len(content)
        return 0

    def _read(self, piece: Piece, skipped: int, size: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[skipped : skipped + size]
        self._file.seek(piece[0] + skipped)
        return self._file.read(size)
