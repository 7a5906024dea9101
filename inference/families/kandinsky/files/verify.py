"""Whether the files of a weights folder are whole: against their checksums, and as the nets they should hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.verify import Finding, checksums, fits
from inference.families.kandinsky.files.catalogue import Net, UNet
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.files.store import locate, unet_nets


def verify(folder: Path) -> Iterator[Finding]:
    """Findings for every file of `folder` with a known checksum, then for every net in it.

    Checksums read every byte, the nets' check only shapes. Raises MissingWeights when there are no weights at all.
    """
    files = locate(folder)
    if not files.nets and not files.manifest:
        raise MissingWeights(f"no weights in {folder}")
    yield from checksums(files.folder, files.manifest)
    checkpoint = Checkpoint(files)
    for net, load in _LOADERS.items():
        if net in files.nets:
            yield fits(net, partial(load, checkpoint))
    if "ip_adapter" in files.nets:
        for unet in ("mix", "mix_flash"):
            if all(files.has(net) for net in unet_nets(files, unet)):
                yield fits(f"ip_adapter on {unet_nets(files, unet)[0]}", partial(_unet(unet), checkpoint))


def _unet(name: UNet) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.load_unet(name, torch.float32, "meta")


def _control(net: Net) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.load_control(net, torch.float32, "meta")


def _superres(net: Net) -> Callable[[Checkpoint], object]:
    return lambda checkpoint: checkpoint.load_superres(net, torch.float32, "meta")


_LOADERS: dict[Net, Callable[[Checkpoint], object]] = {
    "base": _unet("full"),
    "flash": _unet("flash"),
    "inpainting": _unet("inpainting"),
    "ip_unet": _unet("mix"),
    "hed_unet": _unet("hed"),
    "movq": lambda checkpoint: checkpoint.load_movq(torch.float32, "meta"),
    "control_depth": _control("control_depth"),
    "control_scribble": _control("control_scribble"),
    "superres_x2": _superres("superres_x2"),
    "superres_x4": _superres("superres_x4"),
    "superres_flash_x2": _superres("superres_flash_x2"),
    "image_encoder": lambda checkpoint: checkpoint.load_clip(torch.float32, "meta"),
    "hed_detector": lambda checkpoint: checkpoint.load_hed(torch.float32, "meta"),
}
