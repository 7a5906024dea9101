"""Which device does the work, and what it can afford. Families choose the formats of their nets by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch

from inference.engine.residency import GB

FIRST_WITH_BF16 = 8  # Ampere; what older ones have is an emulation
DTYPES: Mapping[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class Tier:
    """What a GPU with at least `gigabytes` of memory can afford beside a net of some 6 GB in 16 bits."""

    gigabytes: float
    max_rows: int  # of one pass: 0.15 GB a row of a megapixel
    large: bool  # a net of some 17 GB may come and go there


TIERS = (Tier(70, 16, True), Tier(22, 8, True), Tier(14, 4, False), Tier(0, 2, False))


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePolicy:
    """Where nets compute: on `device`, but for those too large for it, which do on `large_device`, maybe the CPU.

    `half` is the 16-bit format that the device is fast in, float32 where none is; `gigabytes` are its memory, infinite
    where that is not counted. `chosen` are the formats that the owner wants, by what families call their nets. `whole`:
    every net is in float32, whatever anybody wants, for numbers that 16 bits do not hold.
    """

    device: torch.device
    large_device: torch.device
    half: torch.dtype
    gigabytes: float
    max_rows: int
    chosen: Mapping[str, torch.dtype] = field(default_factory=dict)
    whole: bool = False

    @property
    def large_half(self) -> torch.dtype:
        """The same as `half` for nets on `large_device`: a CPU has no float16 worth the name."""
        return self.half if self.large_device == self.device else torch.bfloat16

    def format_of(self, net: str, otherwise: torch.dtype) -> torch.dtype:
        """The format that the owner wants of a net."""
        return torch.float32 if self.whole else self.chosen.get(net, otherwise)


def best_device() -> torch.device:
    """The fastest device torch can use here: cuda, mps or cpu."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def device_wanted(device: str, number: int) -> str | None:
    """The device for the worker of this number on a machine: each takes the next card where "auto" or "cuda" leaves it
    open. None: the best there is."""
    if device in ("auto", "cuda") and torch.cuda.is_available():
        return f"cuda:{number % torch.cuda.device_count()}"
    return None if device == "auto" else device


def device_policy(
    device: str | None = None, formats: Mapping[str, str] | None = None, nets: Collection[str] | None = None
) -> DevicePolicy:
    """The policy for `device` (the best one by default), a GPU by its index. ValueError where there is no such device.

    `formats` are the owner's, names of DTYPES by net; anything else raises ValueError, as do nets other than `nets`.
    """
    for net, name in (formats or {}).items():
        if (nets is not None and net not in nets) or name not in DTYPES:
            known = f"nets are {', '.join(nets or ())}, formats {', '.join(DTYPES)}"
            raise ValueError(f"no such number format: {net}={name}; {known}")
    wanted = {net: DTYPES[name] for net, name in (formats or {}).items()}
    where = _chosen(device) if device else best_device()
    if where.type != "cuda":
        return DevicePolicy(
            device=where,
            large_device=where,
            half=torch.float32,
            gigabytes=float("inf"),
            max_rows=8,
            chosen=wanted,
        )
    properties = torch.cuda.get_device_properties(where)
    tier = tier_of(properties.total_memory)
    return DevicePolicy(
        device=where,
        large_device=where if tier.large else torch.device("cpu"),
        half=torch.bfloat16 if properties.major >= FIRST_WITH_BF16 else torch.float16,
        gigabytes=properties.total_memory / GB,
        max_rows=tier.max_rows,
        chosen=wanted,
    )


def _chosen(name: str) -> torch.device:
    """The device of that name, which `cuda:1` may not be on a machine with one GPU."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"no such device: {name}; there are cpu, cuda, cuda:N and mps") from error
    if device.type == "cuda":
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        index = device.index if device.index is not None else torch.cuda.current_device() if there else 0
        if index >= there:
            raise ValueError(f"no such device: {name}; torch sees {there} CUDA GPUs here")
        return torch.device("cuda", index)
    return device


def tier_of(total_bytes: float) -> Tier:
    """The row of TIERS for a GPU with that much memory."""
    return next(tier for tier in TIERS if total_bytes >= tier.gigabytes * GB)
