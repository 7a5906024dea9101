"""The recording of the YouTokenToMe tokenizer: ids, pieces and texts."""

from __future__ import annotations

from inference.checkpoints.yttm import SPECIALS, YTTM, read_yttm
from tests.parity.golden import Golden
from tests.parity.rows import Row, Rows, unequal

YTTM_TINY = "yttm_tiny"


def tokenizer(golden: Golden) -> YTTM:
    """The recorded tokenizer, which the recordings of nets share."""
    return read_yttm(golden.file(f"{YTTM_TINY}.bpe.model"))


def encodings(golden: Golden) -> Rows:
    told, ours = golden.read(YTTM_TINY).meta, tokenizer(golden)
    special = told["special"]
    yield Row(YTTM_TINY, "vocabulary", unequal(list(ours.pieces), told["vocab"]))
    yield Row(YTTM_TINY, "special ids", unequal({name: getattr(ours, name) for name in special}, special))
    for case in told["encodings"]:
        name, ids = repr(case["text"])[:26], case["ids"]
        pieces = [ours.pieces[number] for number in ours.encode(case["text"]) if number != ours.unk]
        recorded = [piece for piece, number in zip(case["subwords"], ids, strict=True) if number != ours.unk]
        yield Row(YTTM_TINY, f"ids of {name}", unequal(ours.encode(case["text"]), ids))
        yield Row(YTTM_TINY, f"pieces of {name}", unequal(pieces, recorded))
        yield Row(YTTM_TINY, f"text of {name}", unequal(ours.decode(ids), case["decoded"]))
        without = ours.decode(ids, {ours.pieces.index(one) for one in SPECIALS})
        yield Row(YTTM_TINY, f"words of {name}", unequal(without, case["decoded_ignore_special"]))
