"""Which modes the chat shall offer: what each is, what it takes to fetch and to hold, and whether that fits."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from bot.setup.asking import Asking
from bot.setup.draft import Given
from bot.setup.machine import gigabytes
from inference.queue.survey import Device, Survey

WHAT = {
    "flash": "quick pictures, 4 steps: the default of the chat",
    "full": "full quality, 1 to 100 steps; draw over a picture",
    "inpaint": "repaint a part, extend the frame",
    "mix": "vary, restyle, mix",
    "mix_flash": "the same with Flash: quick, an experiment",
    "hed": "by the outlines of a photo",
    "depth": "by a depth map",
    "scribble": "by a scribble",
    "x2": "twice as large",
    "x4": "four times as large",
    "flash_x2": "twice as large, detail drawn over by Flash",
}
FROM_WORDS = ("flash", "full")
RESERVE = 1_000_000_000  # bytes that stay free on a disk
NONE = "none"


def choose_modes(
    given: Given, asking: Asking, found: Survey, device: Device, weights: Path, released: Path
) -> tuple[str, ...]:
    """The modes whose weights shall be had besides those that are ready; none of them is no mistake."""
    print("\n            to fetch   to hold")
    for mode in found.modes:
        fetch, hold = sizes(found, [mode])
        state = "ready" if mode in found.ready else f"{gigabytes(fetch):>8}"
        print(f"  {mode:9} {state:>8}  {gigabytes(hold):>8}   {WHAT.get(mode, '')}")
    print("What several modes share (text encoder, MoVQ, U-Nets) is fetched and held once.")
    print("Without flash or full the small embedded model draws: enough to try everything.")

    def read(said: str) -> tuple[str, ...]:
        modes = _named(said, found)
        if (lack := _lack_of_room(found, modes, weights, released)) is not None:
            if not given.yes:
                raise ValueError(lack)
            print(lack)  # the hub knows exact sizes, and `weights install` goes by them
        return modes

    default = NONE if given.yes or found.ready or device.memory is None else "flash"
    modes = asking.ask("Which of them, with spaces between", given.modes or default, read, "--modes")
    if modes:
        fetch, hold = sizes(found, modes)
        print(f"{gigabytes(fetch)} to fetch into {released}, up to {gigabytes(hold)} to keep in {weights}.")
    return modes


def sizes(found: Survey, modes: Iterable[str]) -> tuple[int, int]:
    """Bytes that some modes take together: those that are still to be fetched, and what they hold on disk."""
    nets = {net for mode in modes for net in found.modes[mode]}
    wanted = {net for mode in modes if mode not in found.ready for net in found.modes[mode]}
    return sum(found.nets[net].to_fetch for net in wanted), sum(found.nets[net].hold for net in nets)


def _named(said: str, found: Survey) -> tuple[str, ...]:
    modes = tuple(dict.fromkeys(said.replace(",", " ").lower().split()))
    if modes in ((), (NONE,)):
        return ()
    if unknown := [mode for mode in modes if mode not in found.modes]:
        raise ValueError(f"there is no mode {unknown[0]}; there are {', '.join(found.modes)}, or {NONE}")
    if not {*modes, *found.ready} & set(FROM_WORDS):
        raise ValueError(f"take {' or '.join(FROM_WORDS)} with it: without one of them nothing of a folder is used")
    return modes


def _lack_of_room(found: Survey, modes: tuple[str, ...], weights: Path, released: Path) -> str | None:
    """Why the disks cannot take what is to come; None where they can."""
    fetch, hold = sizes(found, [mode for mode in modes if mode not in found.ready])
    needed: dict[int, tuple[Path, int]] = {}
    for folder, size in ((released, fetch), (weights, hold)):
        place = existing(folder)
        disk = place.stat().st_dev
        needed[disk] = (place, size + needed.get(disk, (place, 0))[1])
    for place, size in needed.values():
        free = shutil.disk_usage(place).free
        if size and size + RESERVE > free:
            return f"{gigabytes(size)} would have to fit where {place} lies, and {gigabytes(free)} are free there"
    return None


def existing(folder: Path) -> Path:
    """The nearest folder above that is there already."""
    whole = folder.expanduser().absolute()
    return next(place for place in (whole, *whole.parents) if place.exists())
