"""Super-resolution in windows: the estimates of overlapping windows become one picture at every step (MultiDiffusion).

A picture of any size is held as a few panoramas of float32; what a pass sees is a handful of windows. On the device the
work therefore takes as much memory as its windows, whatever the size of the picture; the panoramas lie there too while
they are small, in RAM where they are not.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from inference.engine.asks import Ask, Show
from inference.families.kandinsky.asks import Enlarge, Tools
from inference.families.kandinsky.files.catalogue import Net
from inference.families.kandinsky.sampling.superres import (
    SolverStep,
    renoise_,
    solver_step_,
    solver_steps,
    turbo_coefficients,
)
from inference.families.kandinsky.sampling.windows import Shape, View, Window, count_windows, windows
from inference.requests import FLASH_STEPS, SR_STEPS, SR_STRIDE, SR_WINDOW

CHANNELS = 3
PANORAMAS = 4  # the state, the estimate, the one before, and the enlarged source
ROOM_ON_DEVICE = 10**9  # bytes for all of them: four of float32 up to 20 megapixels
LOOK_SIDE = 256


class Noise(Protocol):
    """Unit gaussian float32 on the CPU, drawn one after the other."""

    def next(self, shape: tuple[int, ...] | None = None) -> Tensor: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """How a panorama is cut: windows of `window` pixels every `stride`, and what their parts count for."""

    window: int = SR_WINDOW
    stride: int = SR_STRIDE
    shape: Shape = "flat"

    def over(self, height: int, width: int) -> list[Window]:
        return windows(height, width, self.window, self.stride, self.shape)

    def count(self, height: int, width: int) -> int:
        return count_windows(height, width, self.window, self.stride)


def home(tools: Tools, height: int, width: int) -> torch.device:
    """Where panoramas of that many pixels are kept."""
    small = PANORAMAS * CHANNELS * 4 * height * width <= ROOM_ON_DEVICE
    return tools.device if small else torch.device("cpu")


def passes(net: Net, steps: int = SR_STEPS) -> int:
    """How often every window is seen."""
    return FLASH_STEPS if net == "superres_flash_x2" else steps


def enlarge(
    net: Net, low: Tensor, noise: Noise, tools: Tools, frames: Frames, *, steps: int = SR_STEPS
) -> Generator[Ask, Any, Tensor]:
    """The large picture [3, H, W] float32, nominally in [-1, 1], over the enlarged source `low` of the same shape.

    `noise` gives the initial state and, for the Flash net, the noise of its four steps, each for the whole panorama: so
    overlapping windows agree on it. The result lies where `low` does.
    """
    cut = _Cut(net, low, frames.over(*low.shape[-2:]), tools)
    start = noise.next().to(low.device, non_blocking=True)
    if net == "superres_flash_x2":
        return (yield from _turbo(cut, start, noise))
    return (yield from _solve(cut, start, solver_steps(steps)))


def _turbo(cut: _Cut, x0: Tensor, noise: Noise) -> Generator[Ask, Any, Tensor]:
    """Four times noised again and predicted anew; the first estimate is noise."""
    for step in turbo_coefficients():
        x = renoise_(noise.next().to(x0.device, non_blocking=True), x0, step)
        yield from cut.estimate(x, step.t, into=x0)
    return x0


def _solve(cut: _Cut, x: Tensor, steps: Sequence[SolverStep]) -> Generator[Ask, Any, Tensor]:
    before: Tensor | None = None
    spare = torch.empty_like(x)
    for step in steps:
        x0 = spare
        yield from cut.estimate(x, step.t, into=x0)
        solver_step_(x, x0, before, step)
        spare = torch.empty_like(x) if before is None else before
        before = x0
    return x


class _Cut:
    """A panorama cut into windows for one net, and the small look at what has come of it so far."""

    def __init__(self, net: Net, low: Tensor, frame: list[Window], tools: Tools) -> None:
        self._net: Net = net
        self._low = low
        self._frame = [window.to(low.device) for window in frame]
        self._tools = tools
        self._shrink = max(1, math.ceil(max(low.shape[-2:]) / LOOK_SIDE))
        self._look = self._small(low)

    def estimate(self, x: Tensor, t: int, into: Tensor) -> Generator[Ask, Any, None]:
        """Writes the clean picture that the net sees in the state `x` [3, H, W], averaged over windows, to `into`."""
        into.zero_()
        waiting = iter(self._frame)
        size = self._frame[0].view
        while batch := list(islice(waiting, max(1, self._tools.windows_at_once(size.height, size.width)))):
            made = yield Enlarge(self._net, self._stack(x, batch), t, self._stack(self._low, batch))
            for window, one in zip(batch, made, strict=True):
                self._paste(one, window.view)
                window.add_to(into, one)
            del made, one  # the next pass needs the room
            yield Show(self._look[None])

    def _stack(self, panorama: Tensor, batch: list[Window]) -> Tensor:
        return torch.stack([window.view.of(panorama) for window in batch]).to(self._tools.device, non_blocking=True)

    def _small(self, picture: Tensor) -> Tensor:
        height, width = (max(1, side // self._shrink) for side in picture.shape[-2:])
        return adaptive_avg_pool2d(picture, (height, width))

    def _paste(self, made: Tensor, view: View) -> None:
        part = view.over(self._shrink).of(self._look)
        if part.numel():
            part.copy_(adaptive_avg_pool2d(made, (part.shape[-2], part.shape[-1])))
