"""Fetching released files from the Hugging Face hub: first what it will cost, then the files, resuming where a try
ended.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

from inference.checkpoints.hub import Absent, bring, insist
from inference.checkpoints.released import ReleasedFile, human_size

RESERVE = 1_000_000_000  # what should stay free on the disk


class NotEnoughRoom(OSError):
    """The disk cannot take what was asked for; the message tells how much is missing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of the plan with its exact size as the hub states it; `here` when nothing has to be fetched."""

    file: ReleasedFile
    bytes: int
    here: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a download would do in `folder`."""

    folder: Path
    wanted: tuple[Wanted, ...]
    endpoint: str | None = None

    @property
    def to_fetch(self) -> tuple[Wanted, ...]:
        return tuple(entry for entry in self.wanted if not entry.here)

    @property
    def bytes(self) -> int:
        """Bytes still to come, parts of an interrupted try included."""
        return sum(entry.bytes for entry in self.to_fetch)

    def describe(self) -> Iterator[str]:
        """Lines for the person who decides: every file with its size, then the sum and the free room."""
        for entry in self.wanted:
            yield f"{human_size(entry.bytes):>9}  {entry.file.repo}/{entry.file.path}{'  (here)' if entry.here else ''}"
        yield f"{human_size(self.bytes)} to download into {self.folder}, {human_size(_free(self.folder))} free there"


def plan(files: Iterable[ReleasedFile], folder: Path, endpoint: str | None = None) -> Plan:
    """Asks the hub for the sizes of files that shall lie in `folder`; fetches nothing.

    `endpoint` is another hub address, by default that of HF_ENDPOINT or huggingface.co. Raises NotFetched where the hub
    does not answer or lacks a file; optional ones that it says are not there are left out.
    """
    return Plan(folder, tuple(_ask(files, folder, endpoint)), endpoint)


def _ask(files: Iterable[ReleasedFile], folder: Path, endpoint: str | None) -> Iterator[Wanted]:
    for file in files:
        try:
            yield insist(file, lambda file=file: _looked_up(file, folder, endpoint))  # type: ignore[misc]
        except Absent:
            if not file.optional:
                raise


def _looked_up(file: ReleasedFile, folder: Path, endpoint: str | None) -> Wanted:
    told = hf_hub_download(
        file.repo,
        file.path,
        revision=file.revision,
        local_dir=folder / file.folder,
        endpoint=endpoint,
        dry_run=True,
    )
    if isinstance(told, str):  # the hub is silent, and the file came here by another way
        return Wanted(file, Path(told).stat().st_size, here=True)
    return Wanted(file, told.file_size or file.bytes, not told.will_download)


def fetch(planned: Plan, *, progress: bool = True) -> list[Path]:
    """Downloads what is missing, smallest files first, with a bar a file; an interrupted file goes on where it stopped.

    Raises NotEnoughRoom before the first byte if the disk would fill up, and NotFetched where the hub gives no more.
    Returns where the planned files lie.
    """
    short = planned.bytes + RESERVE - _free(planned.folder)
    if planned.to_fetch and short > 0:
        raise NotEnoughRoom(f"{planned.folder} lacks {human_size(short)} of free disk for this download")
    (enable_progress_bars if progress else disable_progress_bars)()
    return [bring(entry.file, planned.folder, planned.endpoint) for entry in planned.wanted]


def _free(folder: Path) -> int:
    """Free bytes on the disk that `folder` lies or will lie on."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free
