"""From the hub into the studio's layout: what some kinds of requests still lack is fetched, then converted.

Both halves go on where an earlier try has ended. What is in the studio's folder already is not fetched again, so the
released files may be deleted once they are converted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from inference.checkpoints.display import shown
from inference.checkpoints.download import Plan, fetch, plan
from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.parts import come_of
from inference.families.kandinsky.files.catalogue import files_of
from inference.families.kandinsky.files.store import lacking, locate
from inference.requests import Kind


class NotInstalled(RuntimeError):
    """What was fetched cannot be converted; the message says why."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What would be done: `fetching` into a folder of released files, then converting those into `folder`."""

    folder: Path
    fetching: Plan

    @property
    def released(self) -> Path:
        return self.fetching.folder

    def run(self, out: TextIO) -> None:
        """Does it, showing on `out` in one line how far it is. Raises OSError (NotFetched, NotEnoughRoom, DoesNotFit)
        and NotInstalled; what has come until then stays."""
        import torch  # what is refused before that need not wait for it

        from inference.checkpoints.tensors import UnreadableCheckpoint
        from inference.families.kandinsky.files.convert import convert, still_to_write

        sizes = {entry.file: entry.bytes for entry in self.fetching.to_fetch}

        def come() -> int:
            return sum(min(size, come_of(file, self.released)) for file, size in sizes.items())

        if sizes:
            with shown("fetching  ", self.fetching.bytes, come, out):
                fetch(self.fetching, progress=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        before, size = _bytes_in(self.folder), still_to_write(self.released, self.folder)
        with shown("converting", size, lambda: _bytes_in(self.folder) - before, out):
            try:
                convert(self.released, self.folder, torch.bfloat16, lambda line: None)
            except (MissingWeights, UnreadableCheckpoint) as unfit:
                raise NotInstalled(str(unfit)) from unfit


def installation(
    kinds: Iterable[Kind], folder: Path, released: Path, endpoint: str | None = None
) -> Installation | None:
    """What these kinds take to be drawn from `folder`; None where all is there. The hub is asked for exact sizes.

    Raises NotFetched.
    """
    here = locate(folder)
    nets = tuple(dict.fromkeys(net for kind in kinds for net in lacking(here, kind)))
    return Installation(folder, plan(files_of("kandinsky-3.1", nets), released, endpoint)) if nets else None


def _bytes_in(folder: Path) -> int:
    """Bytes of weights in a folder, those that are being written included."""
    sizes = 0
    for path in folder.rglob("*.safetensors*"):
        try:
            sizes += path.stat().st_size
        except FileNotFoundError:  # moved to its place meanwhile
            continue
    return sizes
