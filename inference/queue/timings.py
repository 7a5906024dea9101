"""What a worker has found out about its own speed, before anybody has ordered anything."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from inference.requests import Contract

MOST_KINDS = 64
MOST_SECONDS = 1e5

Rate = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)]
KindName = Annotated[str, Field(min_length=1, max_length=32)]
# Of each kind the seconds, roughly, until its nets would be where they compute; 0 where they are.
Loading = Annotated[dict[KindName, Rate], Field(max_length=MOST_KINDS)]


class Timing(Contract):
    """Seconds that a kind of request takes here: for a megapixel pass, for a megapixel that is decoded and written,
    and once for all of it. Loading is no part of them."""

    a_pass: Rate
    developing: Rate
    once: Rate


class Timings(Contract):
    """The timings of a worker by kind; a kind that has not been timed is missing.

    `basis` stands for everything they depend on: machine, device, driver, torch, program and weights with their number
    formats. What was measured on another basis says nothing about this one.
    """

    basis: Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")] = ""
    kinds: dict[KindName, Timing] = Field(default_factory=dict, max_length=MOST_KINDS)
