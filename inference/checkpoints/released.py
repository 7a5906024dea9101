"""What can be downloaded, and sizes for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReleasedFile:
    """One file of a release, which holds `net` or belongs to it: `bytes` is approximate, `optional` ones may not exist.

    `folder` is the subfolder of a weights folder where its repository's files go, "" for the folder itself.
    """

    layout: str
    repo: str
    path: str
    net: str
    bytes: int
    folder: str = ""
    revision: str = "main"

    @property
    def optional(self) -> bool:
        return self.path.endswith(("special_tokens_map.json", "added_tokens.json"))

    @property
    def place(self) -> str:
        """Where the file lies in a weights folder."""
        return f"{self.folder}/{self.path}" if self.folder else self.path


def human_size(count: int) -> str:
    """A byte count for people, in decimal units: "12.2 GB", "67 MB", "3 kB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            value = count / factor
            return f"{value:.1f} {unit}" if value < 100 and unit == "GB" else f"{value:.0f} {unit}"
    return f"{count} B"
