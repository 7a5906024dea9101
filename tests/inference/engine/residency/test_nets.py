"""The nets of all families together: one name each, one account a device."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from inference.engine.nets import Nets, NetSpec
from inference.engine.residency import GB, Residency

CARD, RAM = torch.device("meta"), torch.device("cpu")  # the meta device stands for a GPU


def spec(name: str, device: torch.device = CARD, weights: int = 10) -> NetSpec:
    return NetSpec(
        name=name,
        bytes=4 * weights,
        load=lambda place: nn.Linear(weights, 1, bias=False, device=place),
        device=device,
        activations=lambda net, given: given,
    )


def test_a_name_is_one_nets() -> None:
    nets = Nets(CARD)
    nets.register([spec("unet")])
    with pytest.raises(ValueError, match="two nets are called unet"):
        nets.register([spec("unet")])


def test_whoever_registered_them_nets_share_the_room_of_their_device() -> None:
    nets = Nets(CARD, budget=90)
    nets.register([spec("drawing")])
    nets.register([spec("painting"), spec("writing")])
    for name in ("drawing", "painting"):
        nets.require(name)
    assert nets.resident == ("drawing", "painting") and nets.free() == 10
    nets.expect(["drawing"])
    nets.require("writing")
    assert nets.resident == ("drawing", "writing")


def test_a_pass_that_takes_more_has_more_moved_out_for_it() -> None:
    nets = Nets(CARD, budget=90)
    nets.register([spec("drawing"), spec("painting")])
    nets.require("drawing")
    nets.require("painting", 5)
    assert nets.resident == ("drawing", "painting")
    nets.require("painting", 50)
    assert nets.resident == ("painting",)


def test_a_net_that_is_too_large_for_the_device_stays_where_it_computes() -> None:
    nets = Nets(CARD, budget=50)
    nets.register([spec("drawing"), spec("reading", RAM)])
    assert not nets.at_hand(["drawing", "reading"])
    for name in ("drawing", "reading"):
        nets.require(name)
    assert nets.at_hand(["drawing", "reading"]) and nets.resident == ("drawing",)
    nets.make_room()
    assert nets.at_hand(["reading"]) and not nets.at_hand(["drawing"])


def test_how_far_nets_are_depends_on_whether_they_lie_on_disk_in_ram_or_where_they_compute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Residency, "_worth_parking", lambda self, size: True)
    nets = Nets(CARD, budget=20 * GB)
    nets.register([replace(spec("drawing"), bytes=12 * GB), replace(spec("reading", RAM), bytes=18 * GB)])
    assert nets.loading(["drawing", "reading"]) == 30.0 and nets.loading(["drawing"]) == 12.0
    nets.require("drawing")
    assert nets.loading(["drawing", "reading"]) == 18.0
    nets.make_room()
    assert 0.0 < nets.loading(["drawing"]) < 0.1, "as large as it was found to be"


def test_nobody_has_a_net_that_nobody_knows() -> None:
    nets = Nets(CARD)
    assert not nets.at_hand(["nothing to write with"])
    assert nets.loading(["nothing to write with"]) == 0.0
    nets.expect(["nothing to write with"])


def test_what_is_loaded_beforehand_moves_nothing_out() -> None:
    told: list[tuple[str, int]] = []
    nets = Nets(CARD, budget=50, before_loading=lambda name, size: told.append((name, size)))
    nets.register([spec("drawing"), spec("painting")])
    assert nets.warm("drawing") and not nets.warm("painting")
    assert nets.resident == ("drawing",) and told == [("drawing", 40)]
