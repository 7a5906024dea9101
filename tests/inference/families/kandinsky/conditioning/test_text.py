from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import T5Tokenizer

from inference.engine.finite import NotFinite
from inference.families.kandinsky.conditioning import (
    EOS,
    MAX_TOKENS,
    PAD,
    EncodingCache,
    encode,
    merge,
    negative_ids,
    null_context,
    project,
    tokenize,
)
from inference.families.kandinsky.files.load import Checkpoint


@pytest.fixture(scope="module")
def tokenizer(tiny_folder: Path) -> T5Tokenizer:
    return Checkpoint.open(tiny_folder).load_tokenizer()


@pytest.fixture(scope="module")
def encoder(tiny_folder: Path) -> nn.Module:
    return Checkpoint.open(tiny_folder).load_encoder(torch.float32, "cpu")


@pytest.fixture(scope="module")
def projection(tiny_folder: Path) -> nn.Module:
    return Checkpoint.open(tiny_folder).load_unet("full", torch.float32, "cpu").projection


def test_a_short_prompt_is_seen_whole(tokenizer: T5Tokenizer) -> None:
    tokens = tokenize(tokenizer, "a cat")
    assert tokens.ids[-1] == EOS
    assert (tokens.total, tokens.unseen) == (len(tokens.ids), "")


def test_an_empty_prompt_is_the_end_token_alone(tokenizer: T5Tokenizer) -> None:
    assert tokenize(tokenizer, "").ids == (EOS,)


def test_a_long_prompt_is_cut_and_its_unseen_tail_is_told(tokenizer: T5Tokenizer) -> None:
    prompt = "cat " * 130 + "red sky"
    tokens = tokenize(tokenizer, prompt)
    assert (len(tokens.ids), tokens.ids[-1], tokens.total) == (MAX_TOKENS, EOS, 133)
    assert tokens.unseen == "cat cat cat red sky"


def test_a_word_that_is_cut_is_told_whole(tokenizer: T5Tokenizer) -> None:
    first = set()
    for number in range(93, 128):
        unseen = tokenize(tokenizer, "cat " * number + "a lighthouse-keeper's unbelievable corgi").unseen
        first.add(unseen.split()[0])
    assert first == {"a", "lighthouse-keeper's", "unbelievable", "corgi"}
    assert len(tokenize(tokenizer, "x" * 400).unseen) < 400  # no words at all


@given(st.lists(st.sampled_from(["cat", "dog", "river", "red", "sky", "кот", "made out of"]), min_size=1, max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_seen_and_unseen_parts_make_up_the_prompt(tokenizer: T5Tokenizer, words: list[str]) -> None:
    prompt = " ".join(words)
    tokens = tokenize(tokenizer, prompt)
    assert prompt.endswith(tokens.unseen)
    if tokens.unseen:
        seen = tokenize(tokenizer, prompt.removesuffix(tokens.unseen))
        assert seen.ids == tokens.ids
    else:
        assert tokens.total == len(tokens.ids)


def test_words_the_tokenizer_does_not_know_are_counted(tokenizer: T5Tokenizer) -> None:
    assert tokenize(tokenizer, "кот").mostly_unknown
    assert not tokenize(tokenizer, "a cute corgi lives in a house made out of sushi").mostly_unknown


def test_an_official_negative_is_cut_to_the_prompt_and_ends_in_the_end_token(tokenizer: T5Tokenizer) -> None:
    positive, negative = tokenize(tokenizer, "a cat"), tokenize(tokenizer, "low quality blurry bad anatomy")
    ids = negative_ids(positive, negative, "official")
    assert ids == (*negative.ids[: len(positive.ids) - 1], EOS)


def test_a_short_official_negative_is_filled_with_attended_padding(tokenizer: T5Tokenizer) -> None:
    positive, negative = tokenize(tokenizer, "a cute corgi lives in a house"), tokenize(tokenizer, "bad")
    ids = negative_ids(positive, negative, "official")
    assert ids == negative.ids + (PAD,) * (len(positive.ids) - len(negative.ids))


def test_a_sane_negative_stays_as_it_is(tokenizer: T5Tokenizer) -> None:
    negative = tokenize(tokenizer, "low quality blurry bad anatomy")
    assert negative_ids(tokenize(tokenizer, "a cat"), negative, "sane") == negative.ids


def test_texts_are_encoded_alike_alone_and_together(tokenizer: T5Tokenizer, encoder: nn.Module) -> None:
    texts = [tokenize(tokenizer, text).ids for text in ("a cat", "a cute corgi lives in a house", "", "cat " * 200)]
    for ids, together in zip(texts, encode(encoder, texts), strict=True):
        [alone] = encode(encoder, [ids])
        assert alone.shape[0] == len(ids)
        assert (alone - together).abs().max() < 1e-5


def test_numbers_that_are_not_finite_are_refused(encoder: nn.Module) -> None:
    class Overflowing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = encoder

        def forward(self, **inputs: torch.Tensor) -> object:
            answer = self.inner(**inputs)
            answer.last_hidden_state = answer.last_hidden_state * float("inf")
            return answer

    with pytest.raises(NotFinite, match="text_encoder gave numbers that are not finite in float32"):
        encode(Overflowing(), [(5, 1)])


def test_a_context_keeps_one_zero_row_after_the_text(encoder: nn.Module, projection: nn.Module) -> None:
    [rows] = encode(encoder, [(31, 14, EOS)])
    context = project(projection, rows)
    assert context.rows.shape[:2] == (1, 4)
    assert context.mask.tolist() == [[1, 1, 1, 0]]
    assert context.pool_len.tolist() == [4]
    assert not context.rows[0, 3].any()


def test_a_full_length_context_has_no_room_for_a_zero_row(encoder: nn.Module, projection: nn.Module) -> None:
    [rows] = encode(encoder, [(31,) * 127 + (EOS,)])
    context = project(projection, rows)
    assert context.rows.shape[1] == MAX_TOKENS == int(context.pool_len) == int(context.mask.sum())


@pytest.mark.parametrize("shape", [(32,), (1, 32), (1, 1, 32)])
def test_a_null_embedding_of_any_rank_is_one_row(shape: tuple[int, ...]) -> None:
    context = null_context(torch.randn(shape))
    assert context.rows.shape == (1, 1, 32)
    assert context.mask.tolist() == [[1]]


def test_merging_pads_with_masked_zeros_and_keeps_pooling_lengths(encoder: nn.Module, projection: nn.Module) -> None:
    contexts = [project(projection, rows) for rows in encode(encoder, [(31, EOS), (31, 14, 13, EOS)])]
    merged = merge([contexts[0], null_context(torch.randn(32)), contexts[1].repeat(2)])
    assert merged.rows.shape[:2] == (4, 5)
    assert merged.mask.sum(1).tolist() == [2, 1, 4, 4]
    assert merged.pool_len.tolist() == [3, 1, 5, 5]
    assert not merged.rows[0, 2:].any()
    assert torch.equal(merged.rows[2], merged.rows[3])


def test_merging_can_pad_to_a_fixed_length() -> None:
    assert merge([null_context(torch.randn(32))], length=128).rows.shape == (1, 128, 32)


def test_the_cache_encodes_a_text_once_and_forgets_the_oldest(encoder: nn.Module) -> None:
    calls = []

    def opened() -> nn.Module:
        calls.append(1)
        return encoder

    cache = EncodingCache(entries=2)
    first = cache.encode([(31, EOS), (14, EOS), (31, EOS)], opened)
    assert torch.equal(first[0], first[2])
    again = cache.encode([(31, EOS)], opened)
    assert len(calls) == 1
    assert torch.equal(again[0], first[0])
    cache.encode([(13, EOS)], opened)  # pushes out (14, EOS), which was used longest ago
    assert len(cache) == 2
    assert cache.get((14, EOS)) is None
    assert cache.get((31, EOS)) is not None
