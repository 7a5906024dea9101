"""What a worker tells of itself in numbers, and what its bot has seen of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST_NETS = 64

Count = Annotated[int, Field(ge=0, lt=2**53)]  # as exact as the numbers of those who read them
NetName = Annotated[str, Field(pattern=r"^[\w.:+-]{1,64}$")]
_ODD = re.compile(r"[^\w.:+-]+", re.ASCII)


def net_name(name: str) -> NetName:
    """What figures call a net that an engine calls so, who names some by their folders: its end, in plain letters."""
    return _ODD.sub("-", name)[-64:]


class Figures(BaseModel):
    """What an engine has counted since it began, and how its device is: bytes in use, by whomever, of all there are,
    those of the process and the machine where the device is the CPU; `nets` are on it.

    `steps` are those of jobs, of which a pass takes one of each that share it; it was busy for `busy_seconds`.
    `restarts` are the engines that died before it, as their parents have counted. Fields of a later version are passed
    over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    steps: Count = 0
    passes: Count = 0
    busy_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    memory_used: Count = 0
    memory_total: Count = 0
    nets: Annotated[tuple[NetName, ...], Field(max_length=MOST_NETS)] = ()
    restarts: Count = 0


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker that is there, `life` being one run of it. One that is `refused`, for the reason given, gets no jobs."""

    life: str
    host: str
    device: str
    version: str
    slots: int
    jobs: int
    figures: Figures | None = None
    refused: str = ""
