"""Whether weight files are whole: against their checksums, and as the nets they should hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.manifest import sha256
from inference.checkpoints.revisions import noted_checksum
from inference.checkpoints.tensors import UnreadableCheckpoint

_WEIGHTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")

Verdict = Literal["whole", "fits", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One file or net: "whole" (right checksum), "fits" (a net's names and shapes are right) or "broken"."""

    name: str
    verdict: Verdict
    detail: str = ""


def checksums(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """Findings for every file with a known checksum: of the manifest, or as the hub noted it. Reads every byte."""
    listed = {name: str(entry["sha256"]) for name, entry in manifest.get("files", {}).items()}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _WEIGHTS):
        name = path.relative_to(folder).as_posix()
        checksum = noted_checksum(folder, name)
        if checksum and name not in listed:
            listed[name] = checksum
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            yield Finding(name, "broken", "missing")
        elif sha256(path) != expected:
            yield Finding(name, "broken", "its bytes have changed")
        else:
            yield Finding(name, "whole")


def fits(net: str, load: Callable[[], object]) -> Finding:
    """Whether `load` finds a net's names and shapes right; on the meta device that reads no weights."""
    try:
        load()
    except (UnreadableCheckpoint, MissingWeights) as problem:
        return Finding(net, "broken", str(problem))
    return Finding(net, "fits")
