"""The second stage of the text encoder: it hears alike what means the same, and its vocabulary is one of its own."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import T5EncoderModel

from inference.nano import clip, hearing, reading, text, unet
from inference.nano.speech.asking import sentences
from inference.nano.tokenizer import READER, load_tokenizer, train_tokenizer, transplanted
from inference.nano.training import save


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """What the first stage leaves: a tokenizer, an encoder, a base U-Net and a CLIP, none of them trained."""
    torch.manual_seed(0)
    out = tmp_path_factory.mktemp("nano")
    train_tokenizer(out / "tokenizer", scenes=500)
    encoder = T5EncoderModel(text.config(len(load_tokenizer(out / "tokenizer"))))
    spent = {"step": 1, "minutes": 0.1}
    save(out / "text.pt", {"model": encoder.state_dict(), "namer": text.Namer().state_dict(), **spent})
    save(out / "unet.pt", {"model": unet.Denoiser().state_dict(), **spent})
    matcher = clip.Matcher(len(load_tokenizer(out / "tokenizer")))
    save(out / "clip.pt", {"model": matcher.state_dict(), **spent})
    (out / "latents" / "128x128").mkdir(parents=True)
    save(out / "latents" / "128x128" / "0.pt", {"first": 0, "latents": torch.randn(64, 4, 16, 16)})
    return out


def encodings(out: Path, lines: list[str]):
    tokenizer, model = text.trained(out)
    ids, mask = text.tokenize(tokenizer, lines)
    return model(ids, attention_mask=mask).last_hidden_state.detach(), mask


def test_a_known_piece_keeps_its_embedding_and_a_new_one_is_the_mean_of_its_spelling(begun, tmp_path):
    train_tokenizer(tmp_path, scenes=500, pieces=600, said=["a backdrop in crimson", "котёночек на лужайке"] * 200)
    old, new = load_tokenizer(begun / "tokenizer"), load_tokenizer(tmp_path)
    weight = torch.randn(len(old), 8)
    moved = transplanted(weight, begun / "tokenizer", tmp_path)
    assert moved.shape == (len(new), 8) and torch.isfinite(moved).all()
    for id_, piece in enumerate(new.convert_ids_to_tokens(range(len(new)))):
        known = old.convert_tokens_to_ids(piece)
        if known != old.unk_token_id:
            assert torch.equal(moved[id_], weight[known]), piece
    backdrop = new("backdrop")["input_ids"]
    assert len(backdrop) < len(old("backdrop")["input_ids"])
    begins = new.convert_ids_to_tokens(backdrop[0]).removeprefix("▁")
    assert torch.allclose(moved[backdrop[0]], weight[old(begins)["input_ids"][:-1]].mean(0))


def test_a_net_hears_alike_what_reads_alike_and_no_difference_in_padding(begun):
    (ear,) = hearing.listeners(begun)
    said = encodings(begun, ["a red circle on a blue background", "two cats"])
    generator = torch.Generator().manual_seed(1)
    queries = hearing.ask_queries(ear, torch.randn(2, 4, 16, 16), ear.rows(*said), said[1], generator)
    assert len(queries) == len(ear.attentions) and all(q.shape[0] == hearing.QUERIES for q in queries)
    assert hearing.unlike(ear, queries, said, said) == 0
    padded = tuple(torch.nn.functional.pad(part, (0,) * (2 * (part.dim() - 2)) + (0, 3)) for part in said)
    assert hearing.unlike(ear, queries, padded, said) < 1e-6
    other = encodings(begun, ["a black cat", "three stars at sea"])
    assert hearing.unlike(ear, queries, other, said) > 0.01


def test_it_learns_and_starts_where_the_first_stage_ended(begun, monkeypatch):
    monkeypatch.setattr(reading, "BATCH", 16)
    monkeypatch.setattr(reading, "ASKED_OF", 8)
    monkeypatch.setattr(reading, "VOCABULARY", 2000)
    tokenizer, fresh = reading.reader(begun, 1)
    assert len(tokenizer) <= reading.PIECES
    teacher = text.trained(begun)[1]
    assert torch.equal(fresh.encoder.block[0].layer[0].SelfAttention.q.weight,
                       teacher.encoder.block[0].layer[0].SelfAttention.q.weight)  # fmt: skip
    reading.train(begun, 0.05, 1, resume=False)
    trained, encoder = reading.trained(begun)
    assert (begun / READER / "spiece.model").exists() and len(trained) == len(tokenizer)
    assert not torch.equal(encoder.shared.weight, fresh.shared.weight)
    assert 0 <= reading.accuracy(begun, 5, 32) <= 1
    clip.train_words(begun, 0.01, 1, resume=False)
    ranked = clip.ranking(begun)
    assert ranked.clip.text_model.embeddings.token_embedding.weight.shape[0] == len(tokenizer)
    seen, before = ranked.clip.vision_model.state_dict(), clip.trained(begun).clip.vision_model.state_dict()
    assert all(torch.equal(seen[name], before[name]) for name in seen), "pictures are seen as ever"


def test_a_deeper_encoder_says_at_first_what_it_said(begun):
    tokenizer, encoder = text.trained(begun)
    deeper = reading.deepened(encoder)
    assert text.depth(deeper.state_dict()) == reading.LAYERS > text.depth(encoder.state_dict())
    ids, mask = text.tokenize(tokenizer, ["a red circle on a blue background", "два кота"])
    with torch.no_grad():
        said, before = (one.eval()(ids, attention_mask=mask).last_hidden_state for one in (deeper, encoder))
    torch.testing.assert_close(said, before)
    again = text.filled(len(tokenizer), deeper.state_dict())
    assert text.depth(again.state_dict()) == reading.LAYERS
    assert reading.deepened(deeper) is deeper
    hastened = reading.hastened(text.filled(len(tokenizer), deeper.state_dict())).eval()
    with torch.no_grad():
        torch.testing.assert_close(hastened(ids, attention_mask=mask).last_hidden_state, before)


def test_batches_are_of_sentences_about_as_long_and_leave_none_out(begun, monkeypatch):
    monkeypatch.setattr(reading, "BATCH", 32)
    tokenizer = load_tokenizer(begun / "tokenizer")
    parts = reading.pooled(tokenizer, 123, torch.Generator().manual_seed(1))
    made = sentences(123, reading.POOL * 32)
    assert sorted(zip(*made[:2], strict=True)) == sorted(pair for part in parts for pair in zip(*part[:2], strict=True))
    long = [[len(ids) for ids in tokenizer([s for s, n in zip(part[0], part[2], strict=True) if n])["input_ids"]]
            for part in parts]  # fmt: skip
    in_order = sorted(long, key=min)
    assert all(max(one) <= min(other) for one, other in pairwise(in_order))
    wordless = [sum(not named for named in part[2]) for part in parts]
    assert max(wordless) < 16, "what has no words does not fill a batch"
