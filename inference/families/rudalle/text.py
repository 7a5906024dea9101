"""What people write as the first text of a sequence."""

from __future__ import annotations

from inference.checkpoints.yttm import YTTM


def text_ids(tokenizer: YTTM, text: str, length: int, special: tuple[int, ...] = ()) -> list[int]:
    """The `length` ids of a text: where it begins, RUDOLPH's `special` ones, its own, where it ends, and nothing.

    Of a text that is too long the end is lost, its mark included.
    """
    ids = [tokenizer.bos, *special, *tokenizer.encode(text.lower().strip()), tokenizer.eos]
    return (ids + [tokenizer.pad] * length)[:length]
