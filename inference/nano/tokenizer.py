"""A sentencepiece unigram model of the captions: two languages, one case, read by transformers' `T5Tokenizer`."""

from __future__ import annotations

import json
import re
import tempfile
from functools import cache
from pathlib import Path

import sentencepiece
from transformers import T5Tokenizer

from inference.nano.captions import captions
from inference.nano.world import sample_scene

PIECES = 1000
MAX_LENGTH = 128  # of Kandinsky 3.1
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
LATIN = "abcdefghijklmnopqrstuvwxyz"


def _rules() -> str:
    """A map that folds case and "ё": the whole NFKC table would weigh eighty times as much."""
    pairs = [(c.upper(), c) for c in CYRILLIC + LATIN] + [("ё", "е"), ("Ё", "е")]
    return "".join(f"{ord(a):X}\t{ord(b):X}\n" for a, b in pairs)


def train_tokenizer(folder: Path, seed: int = 1, scenes: int = 30_000) -> None:
    """Writes `spiece.model` and `tokenizer_config.json` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for i in range(scenes) for line in captions(sample_scene(seed * 10_000_000 + i), 2)]
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
            vocab_size=PIECES,
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


@cache
def lexicon(scenes: int = 20_000) -> tuple[str, ...]:
    """Every lower-case word form that captions contain, both languages, sorted."""
    words: set[str] = set()
    for seed in range(scenes):
        for line in captions(sample_scene(seed), 4):
            words.update(re.findall(r"[^\W_]+", line.lower()))
    return tuple(sorted(words))
