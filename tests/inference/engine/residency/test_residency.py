"""Which nets are on the device, with a declared budget instead of a GPU."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inference.engine.residency import Residency, free_host_memory

MEGABYTE = 1_000_000
SIZES = {"text": 60, "full": 30, "flash": 30, "movq": 10}  # megabytes


class Shelf:
    """Loads linear nets of known sizes and remembers what was loaded and where to."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def load(self, name: str, device: torch.device) -> nn.Module:
        self.loaded.append(name)
        return nn.Linear(SIZES[name] * MEGABYTE // 4, 1, bias=False, device=device)

    def size(self, name: str) -> int:
        return SIZES[name] * MEGABYTE

    def residency(self, megabytes: int, *, park: bool = True) -> Residency:
        # The meta device stands for a GPU: tensors moved there leave RAM.
        return Residency(
            self.load, torch.device("meta"), size=self.size, budget=megabytes * MEGABYTE, park=lambda size: park
        )


def activations(megabytes: int):  # type: ignore[no-untyped-def]
    return lambda net: megabytes * MEGABYTE


def test_everything_stays_where_it_fits() -> None:
    shelf = Shelf()
    nets = shelf.residency(200)
    for name in [*SIZES, *SIZES]:
        nets.require(name)
    assert set(nets.resident) == set(SIZES)
    assert shelf.loaded == list(SIZES)


def test_the_least_recently_used_net_makes_room() -> None:
    nets = Shelf().residency(80)
    for name in ("full", "movq", "flash", "full"):
        nets.require(name)
    nets.require("text")
    assert nets.resident == ("text",)
    nets.require("movq")
    assert nets.resident == ("text", "movq")


def test_nets_needed_soon_leave_last() -> None:
    nets = Shelf().residency(75)
    for name in ("movq", "full", "flash"):
        nets.require(name)
    nets.expect({"movq", "full"})
    nets.require("full", activations(20))
    assert nets.resident == ("movq", "full")


def test_activations_count_even_when_the_net_is_there() -> None:
    nets = Shelf().residency(80)
    nets.require("full")
    nets.require("movq", activations(5))
    assert nets.resident == ("full", "movq")
    nets.require("movq", activations(50))
    assert nets.resident == ("movq",)


def test_a_net_larger_than_the_budget_is_tried_alone() -> None:
    nets = Shelf().residency(50)
    nets.require("movq")
    nets.require("text")
    assert nets.resident == ("text",)


def test_a_parked_net_is_not_read_again_and_is_really_moved() -> None:
    shelf = Shelf()
    nets = shelf.residency(40)
    flash = nets.require("flash")
    assert flash.weight.device.type == "meta"
    nets.require("full")
    assert flash.weight.device.type == "cpu"
    assert nets.require("flash") is flash
    assert flash.weight.device.type == "meta"
    assert shelf.loaded == ["flash", "full"]


def test_parking_keeps_the_weights() -> None:
    nets = Residency(
        lambda name, device: nn.Linear(4, 1, device=device), torch.device("cpu"), budget=10, park=lambda s: True
    )
    net = nets.require("a")
    before = net.get_parameter("weight").clone()
    nets.make_room()
    assert nets.resident == ()
    assert torch.equal(nets.require("a").get_parameter("weight"), before)


def test_a_net_that_fits_only_half_leaves_the_device_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, nn.Module] = {}
    nets = Residency(
        lambda name, device: made.setdefault(
            name, nn.Sequential(nn.Linear(4, 1, device=device), nn.Linear(4, 1, device=device))
        ),
        torch.device("meta"),
        budget=10**9,
        park=lambda size: True,
    )
    move, moved = torch.Tensor.to, 0

    def full_at_the_third(tensor: torch.Tensor, *arguments: object, **options: object) -> torch.Tensor:
        nonlocal moved
        moved += 1
        if moved == 3:
            raise torch.OutOfMemoryError("full")
        return move(tensor, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(torch.Tensor, "to", full_at_the_third)
    with pytest.raises(torch.OutOfMemoryError):
        nets.require("a")
    assert nets.resident == ()
    assert {parameter.device.type for parameter in made["a"].parameters()} == {"cpu"}
    assert {parameter.device.type for parameter in nets.require("a").parameters()} == {"meta"}


def test_without_ram_to_spare_a_net_is_forgotten_and_read_again() -> None:
    shelf = Shelf()
    nets = shelf.residency(40, park=False)
    for name in ("flash", "full", "flash"):
        nets.require(name)
    assert shelf.loaded == ["flash", "full", "flash"]


def test_making_room_moves_everything_out() -> None:
    nets = Shelf().residency(200)
    for name in SIZES:
        nets.require(name)
    nets.make_room()
    assert nets.resident == ()


def test_it_tells_what_would_fit() -> None:
    nets = Shelf().residency(80)
    nets.require("full")
    assert nets.fits("flash") and not nets.fits("text")
    assert nets.fits("full", activations=10**12)


def test_nets_move_while_inference_mode_is_on() -> None:
    with torch.inference_mode():
        nets = Shelf().residency(40)
        flash = nets.require("flash")
        nets.require("full")
    weight = flash.get_parameter("weight")
    assert not weight.is_inference() and weight.device.type == "cpu"


def test_a_failed_load_leaves_no_trace() -> None:
    def load(name: str, device: torch.device) -> nn.Module:
        raise torch.OutOfMemoryError("full")

    nets = Residency(load, torch.device("cpu"))
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError):
            nets.require("flash")
    assert nets.resident == ()


def test_free_ram_is_measured() -> None:
    assert free_host_memory() > 0
