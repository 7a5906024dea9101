"""Tokenizer files of YouTokenToMe: against the plainest byte pair encoding there is, and files that nobody released."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from inference.checkpoints import yttm
from inference.checkpoints.tensors import UnreadableCheckpoint
from inference.checkpoints.yttm import WORD, read_yttm

FILE = Path(__file__).parents[2] / "golden" / "yttm_tiny.bpe.model"
UNKNOWN = 1


def plainly(text: str) -> list[int]:
    """The ids of `text`: in every word the best pair is joined, again and again, the leftmost first."""
    numbers = [int(word) for word in FILE.read_text("ascii").split()]
    points = dict(zip(numbers[2 : 2 + 2 * numbers[0] : 2], numbers[3 : 3 + 2 * numbers[0] : 2], strict=True))
    rules = numbers[2 + 2 * numbers[0] : -4]
    order = {(x, y): (at, z) for at, (x, y, z) in enumerate(zip(rules[::3], rules[1::3], rules[2::3], strict=True))}
    for space in "\t\n\v\f\r" + WORD:
        text = text.replace(space, " ")
    ids = []
    for word in filter(None, text.split(" ")):
        symbols: list[int] = []
        for character in WORD + word:
            symbol = points.get(ord(character), UNKNOWN)
            symbols += [symbol] if (symbol, symbols[-1:]) != (UNKNOWN, [UNKNOWN]) else []
        while pairs := [(*order[pair], at) for at, pair in enumerate(pairwise(symbols)) if pair in order]:
            _, joined, at = min(pairs, key=lambda found: (found[0], found[2]))
            symbols[at : at + 2] = [joined]
        ids += symbols
    return ids


def test_any_text_has_the_ids_of_the_plainest_encoding() -> None:
    tokenizer = read_yttm(FILE)
    lot = random.Random(13)
    letters = [
        "кот",
        "изображение",
        "а",
        "ртин",
        "ё",
        "Ж",
        "the",
        "h",
        " ",
        "  ",
        "\n",
        "\u00a0",
        "\u0301",
        "😀",
        "7",
        WORD,
    ]
    for _ in range(400):
        text = "".join(lot.choices(letters, k=lot.randrange(30)))
        assert tokenizer.encode(text) == plainly(text), repr(text)


def test_an_id_that_has_no_text_is_no_text() -> None:
    tokenizer = read_yttm(FILE)
    assert tokenizer.decode([135, 999, 320], ignore={999, 320}) == "кот"
    for foreign in (320, -1):
        with pytest.raises(IndexError, match="0 to 319"):
            tokenizer.decode([foreign])


SMALL = "2 1\n9601 4\n97 5\n4 5 6\n1 0 2 3"  # "▁", "a" and "▁a"


def read(folder: Path, content: bytes) -> yttm.YTTM:
    path = folder / "bpe.model"
    path.write_bytes(content)
    return read_yttm(path)


def test_a_file_may_do_without_some_of_the_special_ids(tmp_path: Path) -> None:
    tokenizer = read(tmp_path, b"2 1 9601 1 97 2 1 2 3 0 -1 -1 -1")
    assert (tokenizer.pieces, tokenizer.bos) == (("<UNK>", WORD, "a", "▁a"), -1)
    assert tokenizer.encode("ab a") == [3, 0, 3]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("", "length"),
        ("2", "length"),
        ("-2 1 9601 4", "length"),
        ("300000 9999999 1", "length"),
        (SMALL[:-1], "length"),
        (f"{SMALL} 7", "length"),
        (SMALL.replace("97", "x"), "whole number"),
        (SMALL.replace("97", "9" * 5000), "whole number"),
        (SMALL.replace("97", "1114112"), "chr"),
        (SMALL.replace("97", "55296"), "surrogates"),
        (SMALL.replace("97 5", "97 4"), "given twice"),
        (SMALL.replace("97 5", "9601 5"), "two of them"),
        (SMALL.replace("4 5 6", "4 5 9"), "gaps"),
        (SMALL.replace("4 5 6", "4 5 -1"), "out of range"),
        (SMALL.replace("4 5 6", "4 5 9999999"), "out of range"),
        (SMALL.replace("4 5 6", "4 2 6"), "not there"),
        (SMALL.replace("4 5 6", "4 6 6"), "not there"),
        (SMALL.replace("1 0 2 3", "1 1 2 3"), "given twice"),
        (SMALL.replace("9601", "98"), "beginning of a word"),
        ("2 0 9601 1 97 2 -1 0 -1 -1", "unknown"),
        ("2 9 9601 4 97 5 5 5 6 6 6 7 7 7 8 8 8 9 9 9 10 10 10 11 11 11 12 12 12 13 13 13 14 1 0 2 3", "too long"),
    ],
)
def test_what_is_no_tokenizer_is_refused(tmp_path: Path, file: str, reason: str) -> None:
    assert read(tmp_path, SMALL.encode()).encode("a") == [6]
    with pytest.raises(UnreadableCheckpoint, match=rf"bpe\.model.*{reason}"):
        read(tmp_path, file.encode())


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yttm, "MOST_BYTES", len(SMALL) - 1)
    with pytest.raises(UnreadableCheckpoint, match="bytes"):
        read(tmp_path, SMALL.encode())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableCheckpoint, match=r"none\.model"):
        read_yttm(tmp_path / "none.model")
