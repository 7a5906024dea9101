"""The pass of single new positions against the masked form over whole sequences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from inference.families.rudalle.drawing import score
from inference.families.rudalle.nets.attention import Cache, Step, Whole
from inference.families.rudalle.nets.decoder import DecoderConfig
from inference.families.rudalle.nets.layout import Layout, mask, narrow_reads
from tests.inference.families.rudalle.tiny import LAYOUTS, decoder, sequences


def is_wide(layout: Layout, place: int) -> bool:
    return place >= layout.text + layout.grid**2


@torch.inference_mode()
def step(net: Any, cache: Cache, ids: Tensor, rows: list[tuple[int, int, int]]) -> Tensor:
    """The logits after one more token of some rows, each (sequence, slot, place); those in a second text last."""
    sequence, slots, positions = torch.tensor(rows).unbind(1)
    narrow = sum(not is_wide(net.config.layout, place) for *_, place in rows)
    features = net(ids[sequence, positions][:, None], positions[:, None], Step(cache, slots, positions, narrow))
    return net.logits(features[:, 0], net.vocabulary)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_rows_at_different_places_share_a_pass_and_see_what_the_masks_let_through(layout: Layout) -> None:
    net = decoder(layout)
    ids, starts = sequences(layout, rows=3), (0, 3, 8)  # a newcomer every few passes
    expected = score(net, ids, net.vocabulary)
    cache, slots = Cache(net.config, slots=4), (2, 0, 3)
    compared = 0
    for turn in range(layout.positions + max(starts)):
        places = [(row, slots[row], turn - start) for row, start in enumerate(starts)]
        rows = [row for row in places if 0 <= row[2] < layout.positions]
        rows.sort(key=lambda row: is_wide(layout, row[2]))
        for (row, _, place), logits in zip(rows, step(net, cache, ids, rows), strict=True):
            torch.testing.assert_close(logits, expected[row, place], atol=1e-5, rtol=0)
            compared += 1
    assert compared == 3 * layout.positions


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_step_reads_nothing_but_what_the_masks_let_through(layout: Layout) -> None:
    net, ids = decoder(layout), sequences(layout, rows=1)
    expected = score(net, ids, net.vocabulary)
    layers, full = net.config.layers, Cache(net.config, slots=2)
    with torch.inference_mode():
        net(ids, torch.arange(layout.positions), Whole(layout, 0, full, [1]))
    for place in range(layout.positions):
        cache = Cache(net.config, slots=2)
        for layer in range(layers):
            seen = mask(layout, layout.sight(layer, layers))[place]
            for kept, known in ((cache.keys, full.keys), (cache.values, full.values)):
                kept[layer].fill_(torch.nan)  # all of the other slot too
                kept[layer][layout.positions :][seen] = known[layer][layout.positions :][seen]
        torch.testing.assert_close(step(net, cache, ids, [(0, 1, place)])[0], expected[0, place], atol=1e-5, rtol=0)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_cache_is_read_on_from_anywhere(layout: Layout) -> None:
    net, ids = decoder(layout), sequences(layout, rows=2)
    expected, cache = score(net, ids, net.vocabulary), Cache(net.config, slots=3)
    for start, end in ((0, 7), (7, 8), (8, layout.positions)):
        with torch.inference_mode():
            features = net(ids[:, start:end], torch.arange(start, end), Whole(layout, start, cache, [2, 0]))
        torch.testing.assert_close(net.logits(features, net.vocabulary), expected[:, start:end], atol=1e-5, rtol=0)


def test_full_size_layers_read_a_sixth_of_what_lies_before_the_last_code() -> None:
    layout = Layout(text=128, grid=32)
    sizes = {sight: narrow_reads(layout, sight)[0].shape[1] for sight in ("row", "column", "last")}
    assert sizes == {"row": 128 + 33, "column": 128 + 32, "last": 128 + 5 * 11 + 6}


@pytest.mark.parametrize(
    ("layers", "width", "layout", "megabytes"),
    [
        (24, 2048, Layout(128, 32), 227),  # Malevich
        (64, 3840, Layout(128, 32), 1130),  # Kandinsky 12B
        (24, 1024, Layout(64, 16, 64), 38),  # RUDOLPH 350M
        (24, 2048, Layout(128, 32, 128), 252),  # 1.3B
        (32, 2560, Layout(384, 24, 128), 357),  # 2.7B
    ],
)
def test_a_slot_takes_what_is_known_of_the_released_nets(
    layers: int, width: int, layout: Layout, megabytes: int
) -> None:
    config = DecoderConfig(layout, layers, 16, width, text_vocabulary=16512, picture_vocabulary=8192)
    one, four = (Cache(config, slots, torch.float16, "meta").bytes for slots in (1, 4))
    assert one / 1e6 == pytest.approx(megabytes, rel=0.01)
    assert four == 4 * one


def test_half_precision_that_runs_over_stays_a_number() -> None:
    net = decoder(LAYOUTS["v3"]).half()
    ids = sequences(LAYOUTS["v3"], rows=1)
    dense = net.transformer.layers[0].attention.dense
    dense.weight.fill_(0)
    dense.bias[::2] = torch.inf
    assert score(net, ids, net.vocabulary).isfinite().all()
