"""What draws here, asked of a program of `inference`, since the bot does without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from bot.setup.asking import Asking, SetupError
from bot.setup.draft import Draft, Given, Role, without_secrets
from inference.queue.survey import Device, Survey

EVERY = "every"  # card, each with a worker of its own
LEAST_NET = 6.6e9  # bytes: a U-Net in 16 bits, and what a pass takes beside it


def surveyed(weights: Path, released: Path) -> Survey:
    """The devices of this machine, and the weights that could be had. Raises SetupError."""
    print("Looking at this machine …", flush=True)
    command = [sys.executable, "-m", "inference", "survey", "--weights", str(weights), "--released", str(released)]
    ended = subprocess.run(command, env=without_secrets(os.environ), stdout=subprocess.PIPE, text=True, check=False)
    try:
        found = Survey.model_validate_json(ended.stdout)
    except ValidationError:
        raise SetupError(f"`python -m inference survey` ended with status {ended.returncode}; see above") from None
    if found.lacks is not None:
        raise SetupError(
            f"{found.lacks} is not installed, so nothing draws here: pip install '.[inference]', "
            "or --role bot where another machine draws"
        )
    return found


def choose_device(draft: Draft, given: Given, asking: Asking, found: Survey, role: Role) -> None:
    """Shows what there is, and has one chosen where there is a choice: one device, or a worker on each card."""
    for device in found.devices:
        print(f"  {device.name:7} {described(device)}")
    print(f"  RAM     {gigabytes(found.ram)} free")
    names = [device.name for device in found.devices]
    cards = [name for name in names if name != "cpu"]
    every = [EVERY] if role is Role.ALL and len(cards) > 1 else []
    had = EVERY if every and draft.value("WORKERS") == "auto" else draft.value("DEVICE")
    if given.device is None and len(cards) < 2 and not had:
        print(f"It draws on {names[0]}.")
        return
    question = f"Which of them ({', '.join([*every, 'auto', *names])})"
    chosen = asking.ask(question, given.device or had or [*every, "auto"][0], _one_of([*every, *names]), "--device")
    if chosen == EVERY:
        draft.wanted |= {"DEVICE": None, "WORKERS": "auto"}
        return
    draft.wanted["DEVICE"] = chosen
    if draft.value("WORKERS") == "auto":
        draft.wanted["WORKERS"] = None  # which would take every card all the same


def described(device: Device) -> str:
    """A device for people: its memory, and what that means for the text encoder."""
    if device.memory is None:
        return f"{device.label}: enough for the embedded model, minutes a picture with the released weights"
    words = f"{device.label}, {gigabytes(device.memory)}"
    if device.free is not None:
        words += f" ({gigabytes(device.free)} free)"
    if device.memory < LEAST_NET:
        return f"{words}: too little for the released weights"
    if not device.large:
        words += "; the text encoder (17.4 GB) computes on the CPU"
    return words


def at_work(draft: Draft, found: Survey) -> Device:
    """The device that will draw."""
    name = draft.value("DEVICE")
    return next((device for device in found.devices if device.name == name), found.devices[0])


def _one_of(names: list[str]) -> Callable[[str], str]:
    def read(said: str) -> str:
        if said not in ("auto", "cuda", *names):
            raise ValueError(f"there is no such device here; say auto or {', '.join(names)}")
        return said

    return read


def gigabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e9:.1f} GB"
