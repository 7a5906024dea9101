"""The pretended card itself: what it refuses, what it counts, what it notices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional as fn

from tests.inference.pretended.card import GB, Card, Cards, OnCard


@pytest.fixture
def cards() -> Iterator[Cards]:
    with torch.inference_mode(), Cards(Card(), Card(24 * GB, major=7)) as cards:
        yield cards


def test_numbers_on_a_card_come_home_as_they_were(cards: Cards) -> None:
    there = torch.arange(6.0).view(2, 3).to("cuda:1")
    assert isinstance(there, OnCard) and there.device == torch.device("cuda:1") and there.is_cuda
    there[0, 0] = 7
    assert (there + 1)[:, :2].cpu().tolist() == [[8.0, 2.0], [4.0, 5.0]]
    assert torch.zeros(2, device="cuda").device == torch.device("cuda:0")
    assert torch.tensor([1.5], device="cuda:1").device == torch.device("cuda:1")


def test_devices_do_not_mix_but_for_single_numbers_and_indices(cards: Cards) -> None:
    there = torch.ones(3, device="cuda:0")
    for stranger in (torch.ones(3), torch.ones(3, device="cuda:1")):
        with pytest.raises(RuntimeError, match="same device"):
            there + stranger
    assert (there + torch.tensor(1.0)).sum().item() == 6
    assert there[torch.tensor([0, 2])].shape == (2,)
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()


def test_what_only_the_cpu_forgives_is_refused(cards: Cards) -> None:
    maps = torch.ones(1, 4, 2, 2, device="cuda:0", dtype=torch.bfloat16)
    with pytest.raises(RuntimeError, match="scalar type"):
        fn.group_norm(maps, 2, torch.ones(4, device="cuda:0"), torch.ones(4, device="cuda:0"))
    whole = torch.ones(2, 2, device="cuda:0", dtype=torch.int64)
    with pytest.raises(RuntimeError, match="not implemented"):
        whole @ whole
    with pytest.raises(RuntimeError, match="not implemented"):
        fn.interpolate(maps.to(torch.uint8), scale_factor=2, mode="bilinear")


def test_a_group_norm_gives_the_plain_layout(cards: Cards) -> None:
    maps = torch.randn(1, 4, 3, 3).to(memory_format=torch.channels_last)
    assert fn.group_norm(maps, 2).is_contiguous(memory_format=torch.channels_last)
    assert fn.group_norm(maps.to("cuda:0"), 2).is_contiguous()


def test_convolutions_are_rounded_unless_that_is_forbidden(cards: Cards) -> None:
    maps, weight = torch.randn(1, 2, 4, 4), torch.randn(2, 2, 3, 3)
    exact = fn.conv2d(maps, weight)
    assert not torch.equal(fn.conv2d(maps.to("cuda:0"), weight.to("cuda:0")).cpu(), exact)
    torch.backends.cudnn.allow_tf32 = False
    assert torch.equal(fn.conv2d(maps.to("cuda:0"), weight.to("cuda:0")).cpu(), exact)


def test_memory_is_counted_once_a_storage_and_is_finite(cards: Cards) -> None:
    card = cards.cards[1]
    there = torch.zeros(1000, device="cuda:1")
    views = there[:10], there.view(10, 100)
    assert card.held == 4000 and torch.cuda.mem_get_info("cuda:1") == (24 * GB - 4000, 24 * GB)
    del there
    assert card.held == 4000
    del views
    assert card.held == 0 and card.peak == 4000
    card.total = 5000
    with pytest.raises(torch.OutOfMemoryError):
        torch.zeros(2000, device="cuda:1")
    assert card.held == 0


def test_libraries_take_their_share_at_the_first_product_and_fail_in_words_of_their_own(cards: Cards) -> None:
    card = cards.cards[0]
    card.library, card.total = 1000, 4000
    there = torch.ones(2, 2, device="cuda:0")
    rest = torch.zeros(900, device="cuda:0")
    with pytest.raises(RuntimeError, match="CUBLAS_STATUS_NOT_INITIALIZED"):
        there @ there
    del rest
    there = there @ there
    assert there.cpu().sum() == 8
    assert card.free == 4000 - 1000 - 16


def test_a_fault_stays(cards: Cards) -> None:
    there = torch.ones(2, device="cuda:0")
    cards.cards[0].broken = True
    for call in (lambda: there + 1, torch.cuda.synchronize):
        with pytest.raises(torch.AcceleratorError):
            call()


def test_a_copy_from_locked_memory_may_come_late(cards: Cards) -> None:
    locked = torch.zeros(2, pin_memory=True)
    assert locked.is_pinned() and not torch.zeros(2).is_pinned()
    hasty, careful = (torch.empty(2, device="cuda:0") for _ in range(2))
    hasty.copy_(locked, non_blocking=True)
    locked.fill_(1)
    careful.copy_(locked, non_blocking=True)
    event = torch.cuda.Event()
    event.record()
    event.synchronize()
    locked.fill_(2)
    assert hasty.cpu().tolist() == [1, 1] and careful.cpu().tolist() == [1, 1]
