"""Tokenizer files of YouTokenToMe (github.com/VKCOM/YouTokenToMe), as ruDALL-E, RUDOLPH and ruCLIP come with them.

A file is text, nothing but whole numbers: how many characters and merge rules; a code point and an id for each
character; the ids of two pieces and of what they make for each rule, the first to be applied first; the ids of
<UNK>, <PAD>, <BOS> and <EOS>. The byte pair encoding itself (Sennrich et al. 2016, arXiv:1508.07909) is that of
`tokenizers`, which gives the same ids.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import Replace, Sequence
from tokenizers.pre_tokenizers import Metaspace

from inference.checkpoints.tensors import UnreadableCheckpoint

SPECIALS = ("<UNK>", "<PAD>", "<BOS>", "<EOS>")
WORD = "\u2581"  # stands where a word begins
MOST_BYTES, MOST_PIECES, LONGEST_PIECE = 16_000_000, 300_000, 256  # released files: under 1 MB, 50,000 pieces

_WHOLE_NUMBER = re.compile(rb"-?[0-9]{1,7}")
_BETWEEN_WORDS = Regex(f"[\\t-\\r {WORD}]+")  # and no other space: a non-breaking one is a character
_AT_THE_ENDS = Regex("^ | $")


@dataclass(frozen=True, slots=True)
class YTTM:
    """A tokenizer: `pieces` has the text of every id; `unk`, `pad`, `bos` and `eos` are ids, -1 where there is none."""

    pieces: tuple[str, ...]
    unk: int
    pad: int
    bos: int
    eos: int
    bpe: Tokenizer

    def encode(self, text: str) -> list[int]:
        """The ids of a text as it stands: nothing is made lower case, and no special one is added or recognised."""
        ids: list[int] = self.bpe.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Iterable[int], ignore: Collection[int] = ()) -> str:
        """The text of `ids`, those of `ignore` left out. Raises IndexError for an id that has no piece."""
        kept = [number for number in ids if number not in ignore]
        if any(not 0 <= number < len(self.pieces) for number in kept):
            raise IndexError(f"ids go from 0 to {len(self.pieces) - 1}")
        return "".join(self.pieces[number].replace(WORD, " ") for number in kept).removeprefix(" ")


def read_yttm(path: Path) -> YTTM:
    """The tokenizer of a file. Raises UnreadableCheckpoint where it is none, or larger than any that is released."""
    try:
        return _build(_numbers(path))
    except (ValueError, OSError) as error:
        raise UnreadableCheckpoint(f"{path.name} cannot be read as a tokenizer: {error}") from error


def _numbers(path: Path) -> list[int]:
    with path.open("rb") as opened:
        fields = opened.read(MOST_BYTES + 1)
    if len(fields) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    words = fields.split()
    if not all(map(_WHOLE_NUMBER.fullmatch, words)):
        raise ValueError("something in it is no whole number")
    return [int(word) for word in words]


def _build(numbers: list[int]) -> YTTM:
    characters, rules = numbers[:2] if len(numbers) > 1 else (-1, -1)
    if min(characters, rules) < 0 or len(numbers) != 2 + 2 * characters + 3 * rules + len(SPECIALS):
        raise ValueError("its length is not the one that it states")
    fields = iter(numbers[2:])
    points = [(next(fields), next(fields)) for _ in range(characters)]
    triples = [(next(fields), next(fields), next(fields)) for _ in range(rules)]
    unk, pad, bos, eos = fields
    pieces = _pieces(points, triples, (unk, pad, bos, eos))
    vocabulary = {piece: number for number, piece in pieces.items()}
    if sorted(pieces) != list(range(len(pieces))) or len(vocabulary) != len(pieces):
        raise ValueError("its ids have gaps, or a piece has two of them")
    if WORD not in vocabulary or SPECIALS[0] not in vocabulary:
        raise ValueError("nothing in it stands for the beginning of a word, or for what is unknown")
    merges = [(pieces[left], pieces[right]) for left, right, _ in triples]
    bpe = Tokenizer(BPE(vocab=vocabulary, merges=merges, unk_token=SPECIALS[0], fuse_unk=True))
    bpe.normalizer = Sequence([Replace(_BETWEEN_WORDS, " "), Replace(_AT_THE_ENDS, "")])
    bpe.pre_tokenizer = Metaspace(WORD, prepend_scheme="always", split=True)
    return YTTM(tuple(pieces[number] for number in range(len(pieces))), unk, pad, bos, eos, bpe)


def _pieces(
    points: list[tuple[int, int]], triples: list[tuple[int, int, int]], specials: tuple[int, ...]
) -> dict[int, str]:
    """The text of every id. Raises ValueError for one that is given twice, or made of what is not there."""
    pieces: dict[int, str] = {}

    def give(number: int, piece: str) -> None:
        if number in pieces or not 0 <= number < MOST_PIECES or len(piece) > LONGEST_PIECE:
            raise ValueError(f"id {number} is given twice, out of range or too long")
        pieces[number] = piece

    for point, number in points:
        give(number, chr(point).encode().decode())  # raises for surrogates, which are no characters
    for left, right, made in triples:
        if left not in pieces or right not in pieces:
            raise ValueError(f"id {made} is made of what is not there")
        give(made, pieces[left] + pieces[right])
    for number, name in zip(specials, SPECIALS, strict=True):
        if number != -1:
            give(number, name)
    return pieces
