"""Which nets live on a device, and how much room there is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from inference.engine.device import Staging

GB = 10**9
HOST_RESERVE = 4 * GB
DISK_SPEED, BUS_SPEED = GB, 10 * GB  # bytes a second, as is usual where there is a GPU
DEVICE_RESERVE = GB // 2  # workspaces of cuBLAS and cuDNN, kernels that are loaded when first used, and fragments


def free_memory(device: torch.device) -> float:
    """Bytes that could be allocated on `device` now, torch's own cache included; infinite on the CPU, which is not
    managed."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return float("inf")


def free_host_memory() -> float:
    """Bytes of RAM that programs can still take, the page cache counted as free; 0 where the system does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123
            fields = dict(line.split(":", 1) for line in lines)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pages = os.sysconf("SC_PHYS_PAGES") if "SC_PHYS_PAGES" in os.sysconf_names else 0
        return pages * os.sysconf("SC_PAGE_SIZE") / 2


def size_of(net: nn.Module) -> int:
    """Bytes of the net's weights."""
    return sum(tensor.numel() * tensor.element_size() for tensor in chain(net.parameters(), net.buffers()))


class _Slot(NamedTuple):
    """One parameter or buffer: the dict of the module that holds it, its name there, and its copy in RAM."""

    holder: dict[str, Any]
    name: str
    parked: Tensor


def _slots(net: nn.Module) -> Iterable[_Slot]:
    for module in net.modules():
        for holder in (module._parameters, module._buffers):
            yield from (_Slot(holder, name, tensor) for name, tensor in holder.items() if tensor is not None)


@dataclass(slots=True, eq=False)
class _Net:
    module: nn.Module
    size: int
    host: list[_Slot] | None  # where the weights belong, and their copies in RAM, if those are kept
    resident: bool


class Residency:
    """Nets by name, moved onto one device when they are needed and out of it when room is.

    A net is unknown, parked in RAM, or resident. `require` makes one resident; others leave, the least recently used
    first and those named by `expect` last, until `free()` covers the net and the activations announced for it. When
    nothing is left to move out it goes ahead all the same: an estimate is no reason to refuse. Moving out costs
    nothing where the RAM copy was kept; where RAM is short, or the device is the CPU itself, the net is forgotten and
    read from disk next time.

    `load(name, device)` reads a net, `size(name)` estimates its bytes before that; `budget` (bytes) replaces the
    measured free memory by a fixed amount minus what is resident. A net that `moves(name)` denies is never parked.
    """

    def __init__(
        self,
        load: Callable[[str, torch.device], nn.Module],
        device: torch.device,
        *,
        size: Callable[[str], int] = lambda name: 0,
        budget: int | None = None,
        park: Callable[[int], bool] | None = None,
        moves: Callable[[str], bool] = lambda name: True,
    ) -> None:
        self._load = load
        self._device = device
        self._size = size
        self._budget = budget
        self._park = park or self._worth_parking
        self._moves = moves
        self._staging = Staging(device)
        self._nets: dict[str, _Net] = {}  # in order of use
        self._expected: frozenset[str] = frozenset()

    @property
    def resident(self) -> tuple[str, ...]:
        """Nets on the device, the least recently used first."""
        return tuple(name for name, net in self._nets.items() if net.resident)

    def expect(self, names: Iterable[str]) -> None:
        """Nets that will be needed soon."""
        self._expected = frozenset(names)

    def fits(self, name: str, activations: int = 0) -> bool:
        """Whether a net is resident, or could be without moving another one out."""
        known = self._nets.get(name)
        if known and known.resident:
            return True
        return self.free() >= (known.size if known else self._size(name)) + activations

    def loading(self, name: str) -> float:
        """Seconds, roughly, until a net would be resident if it were required now."""
        known = self._nets.get(name)
        if known is None:
            return self._size(name) / DISK_SPEED
        return 0.0 if known.resident else known.size / BUS_SPEED

    def require(self, name: str, activations: Callable[[nn.Module], int] = lambda module: 0) -> nn.Module:
        """The net on the device, with room for the bytes that `activations(net)` will take besides."""
        with torch.inference_mode(False), torch.no_grad():
            net = self._nets.pop(name, None) or self._fetch(name)
            self._nets[name] = net
            self._make_room(activations(net.module) + (0 if net.resident else net.size), keep=name)
            if not net.resident:
                try:
                    self._move_in(net)
                except BaseException:  # half a net on the device would take room that nobody gives back
                    _back_to_ram(net)
                    raise
        return net.module

    def drop(self, name: str) -> None:
        """Forgets a net, its copy in RAM included."""
        self._nets.pop(name, None)

    def make_room(self) -> None:
        """Moves everything out and gives torch's cached memory back to the device."""
        with torch.inference_mode(False), torch.no_grad():
            for name in self.resident:
                self._move_out(name)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def _fetch(self, name: str) -> _Net:
        expected = self._size(name)
        if self._moves(name) and self._park(expected):
            module = self._load(name, torch.device("cpu"))
            return _Net(module, size_of(module), list(_slots(module)), resident=False)
        self._make_room(expected, keep=name)
        module = self._load(name, self._device)
        return _Net(module, size_of(module), None, resident=True)

    def _worth_parking(self, size: int) -> bool:
        """Only a GPU has memory apart from RAM; elsewhere a RAM copy would be a second one."""
        return self._device.type == "cuda" and free_host_memory() - size > HOST_RESERVE

    def _make_room(self, wanted: float, *, keep: str) -> None:
        while self.free() < wanted:
            leaving = [name for name in self.resident if name != keep]
            if not leaving:
                return
            self._move_out(min(leaving, key=lambda name: name in self._expected))  # stable: least recently used first

    def free(self) -> float:
        """Bytes that nets and passes could take on the device now; infinite where they are not counted."""
        if self._budget is None:
            return free_memory(self._device) - DEVICE_RESERVE
        return self._budget - sum(net.size for net in self._nets.values() if net.resident)

    def _move_in(self, net: _Net) -> None:
        moved: dict[int, Tensor] = {}  # tied weights move once
        for slot in net.host or ():
            key = id(slot.parked)
            if key not in moved:
                fresh = self._staging.to_device(slot.parked)
                moved[key] = (
                    nn.Parameter(fresh, requires_grad=False) if isinstance(slot.parked, nn.Parameter) else fresh
                )
            slot.holder[slot.name] = moved[key]
        net.resident = True

    def _move_out(self, name: str) -> None:
        net = self._nets[name]
        if net.host is None:
            del self._nets[name]
            return
        _back_to_ram(net)


def _back_to_ram(net: _Net) -> None:
    for slot in net.host or ():
        slot.holder[slot.name] = slot.parked
    net.resident = False
