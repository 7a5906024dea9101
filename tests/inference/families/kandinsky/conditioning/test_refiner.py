"""The context of the Flash refiner: no words, padded to the full length, nothing zeroed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from inference.families.kandinsky.conditioning import (
    EOS,
    MAX_TOKENS,
    PAD,
    UNSEEN_PAD,
    Context,
    contexts_by_rule,
    encode,
)
from inference.families.kandinsky.files.load import Checkpoint

# A folder with superres_refiner_context.safetensors (the two different rows of the published file), and one with the
# released weights: set by whoever has them.
RECORDED = Path(os.environ.get("TEST_REFINER_CONTEXT", ""), "superres_refiner_context.safetensors")
WEIGHTS = os.environ.get("TEST_RELEASED_WEIGHTS")

NOTHING = (EOS, UNSEEN_PAD)


def loaded(folder: Path, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, nn.Module]:
    checkpoint = Checkpoint.open(folder)
    return checkpoint.load_encoder(dtype, "cpu"), checkpoint.load_unet("flash", dtype, "cpu").projection


def context_of(encoder: nn.Module, projection: nn.Module) -> Context:
    (context,) = contexts_by_rule("refiner", projection, None, encode(encoder, [NOTHING]))
    return context


def test_it_is_what_encoding_all_padding_at_full_length_gives(tiny_folder: Path) -> None:
    encoder, projection = loaded(tiny_folder)
    context = context_of(encoder, projection)
    ids = torch.tensor([[EOS] + [PAD] * (MAX_TOKENS - 1)])
    mask = torch.tensor([[1] + [0] * (MAX_TOKENS - 1)])
    with torch.inference_mode():
        expected = projection(encoder(input_ids=ids, attention_mask=mask).last_hidden_state)
    torch.testing.assert_close(context.rows, expected)
    assert torch.equal(context.mask, mask)
    assert context.pool_len.tolist() == [MAX_TOKENS]
    assert expected[:, 1:].abs().sum() > 0


def test_padding_that_is_encoded_for_its_own_row_is_not_seen_by_the_text(tiny_folder: Path) -> None:
    encoder, _ = loaded(tiny_folder)
    alone, padded, seen = encode(encoder, [(5, 9, EOS), (5, 9, EOS, UNSEEN_PAD), (5, 9, EOS, PAD)])
    torch.testing.assert_close(padded[:3], alone)
    assert len(padded) == 4
    assert (seen[:3] - alone).abs().max() > 1e-4


@pytest.mark.skipif(not RECORDED.is_file(), reason="needs the published context: TEST_REFINER_CONTEXT=folder")
def test_the_two_published_rows_make_the_published_context() -> None:
    rows = load_file(RECORDED)["rows"].float()  # [2, 4096]
    same: Any = nn.Linear(rows.shape[1], 1, bias=False)
    same.forward = lambda x: x
    (context,) = contexts_by_rule("refiner", same, None, [rows])
    published = torch.cat([rows[:1], rows[1:].expand(MAX_TOKENS - 1, -1)])[None]
    assert torch.equal(context.rows, published)
    assert context.mask.tolist() == [[1] + [0] * (MAX_TOKENS - 1)]


@pytest.mark.skipif(
    not (RECORDED.is_file() and WEIGHTS), reason="needs the published context and TEST_RELEASED_WEIGHTS=folder"
)
def test_the_released_encoder_gives_the_published_rows() -> None:
    encoder, projection = loaded(Path(WEIGHTS or ""), torch.bfloat16)
    context = context_of(encoder, projection)
    rows: Tensor = load_file(RECORDED)["rows"].float()
    torch.testing.assert_close(context.rows[0, :2].float(), rows, atol=2e-3, rtol=0.1)
