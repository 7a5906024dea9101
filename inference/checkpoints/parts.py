"""Where a released file lies while it is being fetched, and how much of it has come. No library of the hub here."""

from __future__ import annotations

import glob
from pathlib import Path

from inference.checkpoints.released import ReleasedFile


def part_of(target: Path, etag: str) -> Path:
    """Where the bytes of a file gather until it is whole; those of another version, with another `etag`, elsewhere."""
    return target.with_name(f"{target.name}.{etag[:12]}.part")


def is_whole(file: ReleasedFile, folder: Path) -> bool:
    """Whether a file is in its place in a weights folder."""
    return (folder / file.place).is_file()


def come_of(file: ReleasedFile, folder: Path) -> int:
    """How many bytes of a file lie in a weights folder by now, what an interrupted try has left included."""
    target = folder / file.place
    parts = target.parent.glob(f"{glob.escape(target.name)}.*.part")
    return max((_size(path) for path in (target, *parts)), default=0)


def _size(path: Path) -> int:
    """0 for one that is not there any more: a part is renamed once it is whole."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
