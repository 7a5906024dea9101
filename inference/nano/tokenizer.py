"""A sentencepiece unigram model of the captions: two languages, one case, read by transformers' `T5Tokenizer`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
import torch
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from transformers import T5Tokenizer

from inference.nano.captions import captions
from inference.nano.world import sample_scene

PIECES = 1000
READER = "reading_tokenizer"  # folder of the vocabulary of people, beside "tokenizer", that of captions
MAX_LENGTH = 128  # of Kandinsky 3.1
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
LATIN = "abcdefghijklmnopqrstuvwxyz"


def _rules() -> str:
    """A map that folds case and "ё": the whole NFKC table would weigh eighty times as much."""
    pairs = [(c.upper(), c) for c in CYRILLIC + LATIN] + [("ё", "е"), ("Ё", "е")]
    return "".join(f"{ord(a):X}\t{ord(b):X}\n" for a, b in pairs)


def train_tokenizer(
    folder: Path, seed: int = 1, scenes: int = 30_000, pieces: int = PIECES, said: Sequence[str] = ()
) -> None:
    """Writes `spiece.model` and `tokenizer_config.json` into `folder`: at most `pieces` pieces, of captions and of what
    else is `said`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for i in range(scenes) for line in captions(sample_scene(seed * 10_000_000 + i), 2)]
    lines += said
    # Every letter and digit gets a piece, so that a word from outside the world is spelt, not unknown.
    lines += [" ".join(CYRILLIC), " ".join(LATIN), " ".join("0123456789"), ", . : ; - — ! ? ( ) « » \" '"] * 20
    with tempfile.TemporaryDirectory() as scratch:
        rules, text = Path(scratch, "rules.tsv"), Path(scratch, "captions.txt")
        rules.write_text(_rules(), encoding="utf-8")
        text.write_text("\n".join(lines), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=str(Path(scratch, "spiece")),
            model_type="unigram",
            vocab_size=pieces,
            character_coverage=1.0,
            normalization_rule_tsv=str(rules),
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            num_threads=1,
            hard_vocab_limit=False,
            minloglevel=2,
        )
        (folder / "spiece.model").write_bytes(Path(scratch, "spiece.model").read_bytes())
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": MAX_LENGTH,
              "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")


def load_tokenizer(folder: Path) -> T5Tokenizer:
    """The tokenizer in `folder`, as the loader of real weights would make it."""
    return T5Tokenizer.from_pretrained(str(folder))


def transplanted(weight: Tensor, before: Path, after: Path) -> Tensor:
    """Embeddings [pieces, C] for the tokenizer in `after`: of each piece the mean of how the one in `before` spells it,
    whose embeddings `weight` holds."""
    old, new = (SentencePieceProcessor(model_file=str(folder / "spiece.model")) for folder in (before, after))
    rows = []
    for piece in map(new.id_to_piece, range(new.get_piece_size())):
        known = old.piece_to_id(piece)
        spelt = [known] if known != old.unk_id() or piece == "<unk>" else old.encode(piece.replace("▁", " ").strip())
        if not piece.startswith("▁") and len(spelt) > 1 and old.id_to_piece(spelt[0]) == "▁":
            spelt = spelt[1:]
        rows.append(weight[spelt].mean(0))
    return torch.stack(rows)
