"""Whether the files of a weights folder are whole: against their checksums, and as the nets they should hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from inference.checkpoints.catalogue import Net, UNet
from inference.checkpoints.contents import UnreadableCheckpoint
from inference.checkpoints.load import Checkpoint
from inference.checkpoints.manifest import sha256
from inference.checkpoints.revisions import noted_checksum
from inference.checkpoints.store import Files, MissingWeights, locate, unet_nets

_WEIGHTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")

Verdict = Literal["whole", "fits", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One file or net: "whole" (right checksum), "fits" (a net's names and shapes are right) or "broken"."""

    name: str
    verdict: Verdict
    detail: str = ""


def verify(folder: Path) -> Iterator[Finding]:
    """Findings for every file of `folder` with a known checksum, then for every net in it.

    Checksums read every byte, the nets' check only shapes. Raises MissingWeights when there are no weights at all.
    """
    files = locate(folder)
    if not files.nets and not files.manifest:
        raise MissingWeights(f"no weights in {folder}")
    yield from _checksums(files)
    checkpoint = Checkpoint(files)
    for net, load in _LOADERS.items():
        if net in files.nets:
            yield _fits(net, partial(load, checkpoint))
    if "ip_adapter" in files.nets:
        for unet in ("mix", "mix_flash"):
            if all(files.has(net) for net in unet_nets(files, unet)):
                yield _fits(f"ip_adapter on {unet_nets(files, unet)[0]}", partial(_unet(unet), checkpoint))


def _unet(name: UNet) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.load_unet(name, torch.float32, "meta")


def _control(name: str) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.load_control(name, torch.float32, "meta")


def _superres(name: str) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.load_superres(name, torch.float32, "meta")


_LOADERS: dict[Net, Callable[[Checkpoint], object]] = {
    "base": _unet("full"),
    "flash": _unet("flash"),
    "inpainting": _unet("inpainting"),
    "ip_unet": _unet("mix"),
    "hed_unet": _unet("hed"),
    "movq": lambda checkpoint: checkpoint.load_movq(torch.float32, "meta"),
    "control_depth": _control("depth"),
    "control_scribble": _control("scribble"),
    "superres_x2": _superres("x2"),
    "superres_x4": _superres("x4"),
    "superres_flash_x2": _superres("flash_x2"),
    "image_encoder": lambda checkpoint: checkpoint.load_clip(torch.float32, "meta"),
    "hed_detector": lambda checkpoint: checkpoint.load_hed(torch.float32, "meta"),
}


def _checksums(files: Files) -> Iterator[Finding]:
    listed = {name: str(entry["sha256"]) for name, entry in files.manifest.get("files", {}).items()}
    for path in sorted(path for path in files.folder.rglob("*") if path.suffix in _WEIGHTS):
        name = path.relative_to(files.folder).as_posix()
        checksum = noted_checksum(files.folder, name)
        if checksum and name not in listed:
            listed[name] = checksum
    for name, expected in listed.items():
        path = files.folder / name
        if not path.is_file():
            yield Finding(name, "broken", "missing")
        elif sha256(path) != expected:
            yield Finding(name, "broken", "its bytes have changed")
        else:
            yield Finding(name, "whole")


def _fits(net: str, load: Callable[[], object]) -> Finding:
    try:
        load()
    except (UnreadableCheckpoint, MissingWeights) as problem:
        return Finding(net, "broken", str(problem))
    return Finding(net, "fits")
