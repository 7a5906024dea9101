"""Short names of the very bytes of weight files, found without reading all of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SHA256 = re.compile("[0-9a-f]{64}")


def revision_of(folder: Path, path: Path, manifest: Mapping[str, Any]) -> str:
    """Twelve hex digits for the bytes of one file of a weights folder.

    From the manifest's sha256 where there is one, from what the hub's downloader noted beside the file otherwise, and
    as a last resort from the file's size, beginning and end.
    """
    name = path.relative_to(folder).as_posix()
    if stated := manifest.get("files", {}).get(name):
        return str(stated["sha256"])[:12]
    if noted := noted_checksum(folder, name):
        return noted[:12]
    size, edge = path.stat().st_size, 1 << 20
    with path.open("rb") as stream:
        head = stream.read(edge)
        stream.seek(max(0, size - edge))
        return hashlib.sha256(str(size).encode() + head + stream.read()).hexdigest()[:12]


def revision_of_folder(folder: Path, paths: Sequence[Path], manifest: Mapping[str, Any]) -> str:
    """The same for a net in several files."""
    joint = " ".join(revision_of(folder, path, manifest) for path in paths)
    return joint if len(paths) == 1 else hashlib.sha256(joint.encode()).hexdigest()[:12]


def noted_checksum(folder: Path, name: str) -> str | None:
    """The sha256 that the hub stated for a file when it was downloaded into `folder`; None where it did not.

    Each repository was downloaded into the folder itself or one in it and has its notes there; in the hub's cache a
    large file is a link to one that is named after its sha256.
    """
    stored = (folder / name).resolve().name
    if _SHA256.fullmatch(stored):
        return stored
    for own in (folder / parent for parent in Path(name).parents):
        inside = (folder / name).relative_to(own).as_posix()
        note = own / ".cache" / "huggingface" / "download" / f"{inside}.metadata"
        lines = note.read_text("utf-8").splitlines() if note.is_file() else []
        if len(lines) > 1 and _SHA256.fullmatch(lines[1]):
            return lines[1]
    return None
