"""Numbers that are none: no picture, and no words, are ever made of infinities.

What leaves a net is looked at on its own device, without waiting for it; what that has shown is asked for once, where
the host waits anyway. Rounding to bytes hides what was there, so whoever rounds asks before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor


class NotFinite(ArithmeticError):
    """A net gave numbers that are not finite. The text names it and its number format, for the owner."""

    def __init__(self, net: str, dtype: torch.dtype | None) -> None:
        told = "" if dtype is None else f" in {str(dtype).removeprefix('torch.')}"
        super().__init__(f"{net} gave numbers that are not finite{told}")


def finite(numbers: Tensor, net: str, dtype: torch.dtype) -> Tensor:
    """The numbers that a net gave, waited for. Raises NotFinite where one of them is none."""
    if not numbers.isfinite().all():
        raise NotFinite(net, dtype)
    return numbers


def all_finite(answer: object) -> dict[torch.device, Tensor]:
    """Whether all floats of an answer are finite: a single bool on each device that some are on."""
    sound: dict[torch.device, Tensor] = {}
    for tensor in _floats(answer):
        one = torch.isfinite(tensor).all()
        sound[tensor.device] = sound[tensor.device] & one if tensor.device in sound else one
    return sound


def _floats(answer: object) -> Iterator[Tensor]:
    if isinstance(answer, Tensor):
        if answer.is_floating_point():
            yield answer
    elif isinstance(answer, tuple | list):
        for part in answer:
            yield from _floats(part)
    elif is_dataclass(answer):
        for field in fields(answer):
            yield from _floats(getattr(answer, field.name))
