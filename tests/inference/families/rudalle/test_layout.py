"""What each position sees, said slowly; the sights of layers; texts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import UnreadableCheckpoint, assemble
from inference.checkpoints.yttm import read_yttm
from inference.families.rudalle.nets.decoder import build_decoder
from inference.families.rudalle.nets.layout import Layout, Sight, mask, narrow_reads
from inference.families.rudalle.nets.variants import Variant
from inference.families.rudalle.text import text_ids
from tests.inference.families.rudalle.tiny import LAYOUTS, V3, decoder

SIGHTS: tuple[Sight, ...] = ("row", "column", "window", "last")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("sight", SIGHTS)
def test_what_is_read_is_what_the_mask_lets_through(layout: Layout, sight: Sight) -> None:
    reads, counts = narrow_reads(layout, sight)
    for place, seen in enumerate(mask(layout, sight)[: len(reads)]):
        assert sorted(reads[place][counts[place]].tolist()) == seen.nonzero()[:, 0].tolist()
        assert set(reads[place][~counts[place]].tolist()) <= {place}


def test_layers_take_turns_in_what_they_see() -> None:
    malevich, rudolph = Layout(128, 32), Layout(64, 16, 64, kernel=7, last_kernel=9)
    assert [malevich.sight(layer, 24) for layer in (0, 1, 2, 3, 4, 5, 21, 22, 23)] == [
        *("row", "column", "row", "row", "row", "column", "column", "row", "last")
    ]
    assert [rudolph.sight(layer, 24) for layer in (0, 1, 2, 3, 7, 21, 22, 23)] == [
        *("row", "column", "row", "window", "window", "column", "row", "last")
    ]


def test_masks_that_were_first_asked_for_while_drawing_serve_whoever_trains() -> None:
    layout = Layout(text=3, grid=3, last_kernel=3)  # of no other test
    with torch.inference_mode():
        assert not mask(layout, "row").is_inference()
        assert not any(table.is_inference() for table in narrow_reads(layout, "row"))


@pytest.mark.parametrize(("heads", "reason"), [(3, "cannot share"), (2, "fit in 1 place")])
def test_a_file_that_is_no_decoder_is_refused(heads: int, reason: str) -> None:
    state = decoder(V3).state_dict()
    broken = {**state, "transformer.final_layernorm.bias": torch.zeros(5)}
    with pytest.raises(UnreadableCheckpoint, match=reason):
        assemble(lambda: build_decoder(shapes_of(state), Variant(heads)), broken, "file", torch.float32, "cpu")


def test_a_text_fills_its_places_or_loses_its_end() -> None:
    tokenizer = read_yttm(Path(__file__).parents[3] / "golden" / "yttm_tiny.bpe.model")
    assert text_ids(tokenizer, " КОТ ", 5) == [2, 135, 3, 0, 0]
    assert text_ids(tokenizer, "кот", 5, (300,)) == [2, 300, 135, 3, 0]
    assert text_ids(tokenizer, "кот " * 9, 5) == [2, 135, 135, 135, 135]
    assert text_ids(tokenizer, "", 3) == [2, 3, 0]
