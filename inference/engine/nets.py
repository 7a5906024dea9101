"""The nets of all families by name: each on the device where it computes, those of one device under one account."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import nn

from inference.engine.residency import Residency


@dataclass(frozen=True, slots=True, kw_only=True)
class NetSpec:
    """A net as its family knows it.

    `bytes` are those of its files: no less than it takes in memory, unless its format is widened. `load(device)` reads
    it from disk, anew on every call, and may raise MissingWeights. It computes on `device`; one that cannot be moved
    there from RAM has `moves` off. `activations(net, given)` tells the bytes that a pass over `given` (what a family
    gives to `Nets.require`) takes besides the weights.
    """

    name: str
    bytes: int
    load: Callable[[torch.device], nn.Module]
    device: torch.device
    activations: Callable[[Any, Any], int] = lambda net, given: 0
    moves: bool = True
    dtype: torch.dtype | None = None  # of its numbers


class Nets:
    """Whatever families have registered, loaded when first required and moved as memory demands.

    Steps are taken on `device`; `budget` limits the bytes there, by default its free memory is measured.
    `before_loading(name, size)` is called before weights are read from disk, with the bytes of their files, and
    `after_loading(name)` when they are there.
    """

    def __init__(
        self,
        device: torch.device,
        *,
        budget: int | None = None,
        before_loading: Callable[[str, int], None] = lambda name, size: None,
        after_loading: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.device = device
        self._before_loading = before_loading
        self._after_loading = after_loading
        self._specs: dict[str, NetSpec] = {}
        self._suffix = ""
        self._main = self._place(device, budget)
        self._places = {device: self._main}

    def register(self, specs: Iterable[NetSpec]) -> None:
        """Makes nets known. Raises ValueError for a name that is taken: two families would get each other's net."""
        for spec in (replace(spec, name=self.named(spec.name)) for spec in specs):
            if spec.name in self._specs:
                raise ValueError(f"two nets are called {spec.name}")
            self._specs[spec.name] = spec
            if spec.device not in self._places:
                self._places[spec.device] = self._place(spec.device, None)

    @property
    def specs(self) -> tuple[NetSpec, ...]:
        """All nets that are known."""
        return tuple(self._specs.values())

    @property
    def resident(self) -> tuple[str, ...]:
        """Names of the nets on the device now, the least recently used first."""
        return tuple(name.removesuffix(self._suffix) for name in self._main.resident if name.endswith(self._suffix))

    def aside(self, suffix: str) -> Self:
        """The same devices under the same account, for nets that are all called by another name."""
        other = copy.copy(self)
        other._suffix = self._suffix + suffix
        return other

    def named(self, name: str) -> str:
        """What a net is called among all of them."""
        return name + self._suffix

    def drop(self) -> None:
        """Forgets all nets that are called by this suffix."""
        for place in self._places.values():
            for name in self._specs:
                if name.endswith(self._suffix):
                    place.drop(name)

    def dtype(self, name: str) -> torch.dtype | None:
        """The number format of a net; None where it is unknown."""
        spec = self._specs.get(self.named(name))
        return spec.dtype if spec is not None else None

    def require(self, name: str, *given: Any) -> nn.Module:
        """The net on its device, with room for a pass over what is `given`, for none without. Raises whatever reading
        it from disk does."""
        spec = self._specs[self.named(name)]
        return self._places[spec.device].require(spec.name, lambda net: spec.activations(net, *given) if given else 0)

    def size(self, name: str) -> int:
        """Bytes of the files of a net."""
        return self._specs[self.named(name)].bytes

    def free(self) -> float:
        """Bytes that nets and passes could take on the device now; infinite where they are not counted."""
        return self._main.free()

    def warm(self, name: str) -> bool:
        """Makes a net resident if it fits without moving another one out; whether it does."""
        spec = self._specs[self.named(name)]
        place = self._places[spec.device]
        if fits := place.fits(spec.name):
            place.require(spec.name)
        return fits

    def at_hand(self, names: Iterable[str]) -> bool:
        """Whether all these nets, by the names they have among all, are where they compute already."""
        return all(name in self._specs and name in self._places[self._specs[name].device].resident for name in names)

    def loading(self, names: Iterable[str]) -> float:
        """Seconds, roughly, until all these nets, by the same names, would be there; those that are unknown count
        nothing."""
        known = [self._specs[name] for name in names if name in self._specs]
        return sum(self._places[spec.device].loading(spec.name) for spec in known)

    def expect(self, names: Iterable[str]) -> None:
        """Nets, by the same names, that will be needed soon: they are moved out last."""
        soon = frozenset(names)
        for place in self._places.values():
            place.expect(soon)

    def make_room(self) -> None:
        """Moves every net out of the device and gives cached memory back."""
        self._main.make_room()

    def _place(self, device: torch.device, budget: int | None) -> Residency:
        specs = self._specs
        return Residency(
            self._load,
            device,
            size=lambda name: specs[name].bytes,
            budget=budget,
            moves=lambda name: specs[name].moves,
        )

    def _load(self, name: str, device: torch.device) -> nn.Module:
        spec = self._specs[name]
        self._before_loading(name, spec.bytes)
        module = spec.load(device)
        self._after_loading(name)
        return module
