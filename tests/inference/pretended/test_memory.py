"""Memory, faults and time on pretended cards: nets that come and go, second tries, and what ends the engine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inference.engine import device as device_module
from inference.engine import residency
from inference.engine.device import Staging
from inference.engine.loop import Drawn
from inference.engine.policy import best_device, device_policy
from inference.engine.residency import Residency
from inference.families.kandinsky import kit as kit_module
from inference.families.kandinsky.formats import formats_of
from inference.families.kandinsky.inventory import decoder_activations, encoder_activations, hed_activations
from inference.families.kandinsky.nets.fast_movq import broadcast_spatial_norms, keep_plain_layout
from inference.families.kandinsky.nets.hed import HED, edge_logits
from inference.families.kandinsky.nets.movq import build_movq, decode, encode
from inference.families.kandinsky.nets.superres import MAPS_ALIVE, activation_bytes, build_superres, predict_clean
from inference.requests import Kind, Note
from tests.inference.engine.fakes import engine_of, finish
from tests.inference.engine.kinds import out_of_memory, request
from tests.inference.pretended.card import BROKEN, GB, Card, Cards, OnCard
from tests.inference.pretended.studio import FLOAT32, Studio, Weights, draw, faults, on_cpu, studio
from tests.inference.random_checkpoint import SUPERRES
from tests.inference.tiny import MOVQ, _drawn

LEAN = Note(code="leaner_retry")
CUBLAS = "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"
CUDNN = "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"


@pytest.fixture(scope="module")
def cards() -> Cards:
    return Cards(Card())


@pytest.fixture(scope="module")
def card(weights: Weights, cards: Cards) -> Studio:
    with studio(weights, cards, formats=FLOAT32) as card:
        return card


@pytest.fixture(autouse=True)
def _fresh(card: Studio) -> Iterator[None]:
    card.trouble.clear()
    card.rooms_made = 0
    yield


# Which card, in which format


def test_the_chosen_card_is_asked_and_not_the_present_one() -> None:
    old, new = Card(16 * GB, major=7), Card(80 * GB, major=8)
    with Cards(old, new):
        assert best_device() == torch.device("cuda:0")
        first, second = device_policy("cuda:0"), device_policy("cuda:1")
        assert (formats_of(first).unet, first.max_rows, first.large_device.type) == (torch.float16, 4, "cpu")
        assert (formats_of(second).unet, second.max_rows) == (torch.bfloat16, 16)
        assert second.large_device == torch.device("cuda:1")
    with Cards(new, old):
        assert device_policy("cuda").device == torch.device("cuda:0")
        assert formats_of(device_policy("cuda:1")).unet is torch.float16


@pytest.mark.parametrize("name", ["cuda:2", "cuda:7", "gpu", "cuda:-1"])
def test_a_card_that_is_not_there_is_refused_by_name(name: str) -> None:
    with Cards(Card(), Card()), pytest.raises(ValueError, match=f"no such device: {name}"):
        device_policy(name)


def test_without_any_card_that_is_said() -> None:
    with pytest.raises(ValueError, match="no such device: cuda"):
        device_policy("cuda")


# Nets that come and go


def test_nets_move_in_and_out_of_a_card_that_cannot_hold_them_all(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residency, "DEVICE_RESERVE", 20_000)
    kinds: tuple[Kind, ...] = ("flash", "scribble", "mix", "flash_x2")
    everything = [request(kind, 4) for kind in kinds]
    large = Card()
    with studio(weights, Cards(large), formats=FLOAT32) as roomy:
        expected = draw(roomy, *everything, previews=False)
        nets = torch.cuda.memory_allocated(roomy.device)
    small = Card(total=large.peak - nets // 3)
    with studio(weights, Cards(small), formats=FLOAT32) as tight:
        made = draw(tight, *everything, previews=False)
        assert len(tight.nets.resident) < len(roomy.nets.resident)
        assert small.peak <= small.total
        tight.nets.make_room()
        assert tight.nets.resident == () and small.held < 1000  # what is left are the colours of previews
    assert faults(made, expected, within=0.5) == []


def test_without_ram_to_park_in_nets_are_read_straight_onto_the_card(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residency, "free_host_memory", lambda: 0.0)
    asked = request("full", 4), request("translate", 1)
    with studio(weights, Cards(Card()), formats=FLOAT32) as card:
        made = draw(card, *asked, previews=False)
        assert all(net.host is None for net in card.nets._main._nets.values())
    plain = on_cpu(weights, card.policy, by_rules=False)
    assert faults(made, draw(plain, *asked, previews=False), within=0.5) == []


def test_room_is_kept_for_what_the_libraries_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residency, "DEVICE_RESERVE", 1000)
    with Cards(Card(total=10_000, library=900)) as cards:
        nets = Residency(
            lambda name, device: nn.Linear(50, 20, bias=False, device=device),  # 4000 bytes
            torch.device("cuda:0"),
            size=lambda name: 4000,
            park=lambda size: True,
        )
        for name in ("one", "two", "three"):
            net = nets.require(name, lambda module: 1600)
            with torch.inference_mode():
                net(torch.ones(8, 50, device="cuda:0"))
        assert cards.cards[0].library_there and nets.resident == ("three",)


def test_large_weights_go_through_locked_buffers_and_arrive_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "LEAST_STAGED", 8)
    monkeypatch.setattr(device_module, "STAGED_BYTES", 64)
    with Cards(Card()) as cards:
        staging = Staging(torch.device("cuda:0"))
        for dtype in (torch.float32, torch.bfloat16):
            for shape in ((3,), (7, 13), (2, 3, 5, 5)):
                source = torch.randn(shape).to(dtype)
                made = staging.to_device(source)
                assert isinstance(made, OnCard) and torch.equal(made.cpu(), source)
        turned = torch.randn(5, 9).T
        assert torch.equal(staging.to_device(turned).cpu(), turned)
        assert len(cards.pinned) == 2


def test_where_no_ram_can_be_locked_weights_arrive_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "LEAST_STAGED", 8)
    empty = torch.empty

    def refusing(*size: Any, **options: Any) -> Tensor:
        if options.get("pin_memory"):
            raise RuntimeError("CUDA error: out of memory")
        return empty(*size, **options)

    monkeypatch.setattr(torch, "empty", refusing)
    with Cards(Card()):
        staging = Staging(torch.device("cuda:0"))
        for _ in range(2):
            assert staging.to_device(torch.ones(100)).cpu().sum() == 100


def test_announced_memory_covers_the_maps_that_a_pass_holds_and_some_for_cudnn() -> None:
    """Widths are an eighth or so of the released ones, in their proportions."""
    card = Card()
    with Cards(card), torch.inference_mode():

        def held(net: nn.Module, call: Callable[[nn.Module], object]) -> int:
            there = _drawn(net).to("cuda:0")
            before = card.peak = card.held
            call(there)
            return card.peak - before

        def ones(*shape: int) -> Tensor:
            return torch.ones(shape, device="cuda:0")

        superres = build_superres({**SUPERRES, "stem": 32, "widths": [32, 64, 128, 256]})
        x = ones(1, 3, 64, 64)
        most = held(superres, lambda net: predict_clean(net, x, ones(1), x))
        assert most <= activation_bytes(superres, 64, 64) * (MAPS_ALIVE - 1) / MAPS_ALIVE  # 3 channels weigh more here

        movq = build_movq({**MOVQ, "block_out_channels": [32, 64, 64, 128], "norm_num_groups": 32})
        broadcast_spatial_norms(movq)
        keep_plain_layout(movq)
        latent, pixels = ones(4, 8, 8), ones(3, 64, 64)
        one_map = 4 * 32 * 64 * 64
        assert held(movq, lambda net: decode(net, latent[None])) <= decoder_activations(movq, latent) - 2 * one_map
        assert held(movq, lambda net: encode(net, pixels[None])) <= encoder_activations(movq, pixels) - 2 * one_map

        hed, picture = HED([16, 32, 64, 128, 128], [2, 2, 3, 3, 3]), torch.zeros(64, 64, 3, dtype=torch.uint8)
        assert held(hed, lambda net: edge_logits(net, picture)) <= hed_activations(hed, picture) - 2 * 4 * 16 * 64 * 64


# Second tries


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError(CUBLAS),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasLtMatmul`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_every_way_to_run_out_of_memory_is_tried_again_with_less(card: Studio, cards: Cards, error: Exception) -> None:
    card.trouble = {"to_pixels": [error]}
    with cards:
        made = draw(card, request("flash", 1), previews=False)
    assert made.notes == (LEAN,) and card.rooms_made == 1


def test_each_ask_that_does_not_fit_has_a_second_try_of_its_own(card: Studio, cards: Cards) -> None:
    card.trouble = {name: [out_of_memory()] for name in ("contexts", "denoise", "to_pixels")}
    with cards:
        made = draw(card, request("flash", 1), previews=False)
    assert made.notes == (LEAN,)  # told once
    assert card.rooms_made == 3


def test_previews_that_do_not_fit_cost_nothing_but_themselves(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(movq: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(kit_module, "fit_preview", full)
    with studio(weights, Cards(Card()), formats=FLOAT32) as card:
        made = draw(card, request("flash", 1))
        assert made.previews == 0 and made.notes == ()
        monkeypatch.undo()
        draw(card, request("flash", 1))  # its decoder brings them back
        assert card._preview is not None


# Faults


def broken_by(card: Studio, cards: Cards, error: Exception, name: str) -> None:
    """Breaks the card when `name` is asked of it; cuBLAS or cuDNN is the first to see."""
    note = card._note

    def breaking(called: str, rows: int = 1) -> None:
        note(called, rows)
        if called == name:
            cards.cards[0].broken = True
            raise error

    card._note = breaking  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize("name", ["denoise", "to_pixels", "to_latent", "outline"])
@pytest.mark.parametrize("error", [RuntimeError(CUDNN), torch.AcceleratorError(BROKEN)])
def test_a_fault_that_stays_ends_the_engine_and_fails_no_job(weights: Weights, name: str, error: Exception) -> None:
    kind: Kind = {"to_latent": "refine", "outline": "hed"}.get(name, "flash")
    cards = Cards(Card())
    with studio(weights, cards, formats=FLOAT32) as card:
        broken_by(card, cards, error, name)
        engine = engine_of(card)
        engine.add(1, request(kind, 1))
        told: list[object] = []
        with pytest.raises(torch.AcceleratorError):
            for _ in range(20):
                told += [event for _, event in engine.turn()]
        assert not any(isinstance(event, Drawn) or hasattr(event, "code") for event in told)


@pytest.mark.parametrize("where", ["a sampler's own arithmetic", "a preview", "the fit of previews"])
def test_nor_does_a_fault_anywhere_else_fail_a_job(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    cards = Cards(Card())

    def breaking(*given: object, **options: object) -> None:
        cards.cards[0].broken = True
        raise RuntimeError(CUDNN)

    if where == "a sampler's own arithmetic":
        monkeypatch.setattr(sys.modules["inference.families.kandinsky.pipelines.flash"], "flash_x0", breaking)
    elif where == "the fit of previews":
        monkeypatch.setattr(kit_module, "fit_preview", breaking)
    with studio(weights, cards, formats=FLOAT32) as card:
        if where == "a preview":
            card._movq()
            monkeypatch.setattr(card, "colours", breaking)
        with pytest.raises(torch.AcceleratorError):
            draw(card, request("flash", 1))


def test_a_mistake_that_is_no_fault_fails_its_own_job_only(card: Studio, cards: Cards) -> None:
    card.trouble = {"to_latent": [RuntimeError("a bad picture")]}
    with cards:
        engine = engine_of(card)
        engine.add(1, request("refine", 1))
        engine.add(2, request("flash", 1))
        told = finish(engine)
    assert getattr(told[1][-1], "code", None) == "internal" and isinstance(told[2][-1], Drawn)


# Time


def test_engine_seconds_are_the_cards_and_not_those_of_whoever_waits(card: Studio, cards: Cards) -> None:
    with cards:
        engine = engine_of(card, clock=lambda: 0.0)
        engine.add(1, request("flash", 1))
        alone = finish(engine)[1][-1]
        engine.add(1, request("flash", 1))
        engine.add(2, request("flash", 2, 3, 4))
        told = finish(engine)
    ends = [told[job_id][-1] for job_id in (1, 2)]
    assert isinstance(alone, Drawn) and all(isinstance(end, Drawn) for end in ends)
    few, many = (end.engine_seconds for end in ends)
    assert 0 < few < many and few < alone.engine_seconds
