"""Whether two programs mean the same place by their stores: one leaves a question there, the other reads it and leaves
the answer, which the first can tell beforehand. Nothing else need pass between the two but the question's name."""

from __future__ import annotations

import hashlib
import re
import secrets

from inference.blobs import BlobStore

MOST_BYTES = 100
_QUESTION = re.compile(rb"studio asks [0-9a-f]{32}")


class NoQuestion(ValueError):
    """What lies under that name is none of these."""


def new_question() -> bytes:
    """One that nobody has asked before."""
    return b"studio asks " + secrets.token_hex(16).encode()


def answer_to(question: bytes) -> bytes:
    """What whoever has read a question leaves."""
    return b"studio answers " + hashlib.sha256(question).hexdigest().encode()


def digest_of(content: bytes) -> str:
    """The name of bytes in a store."""
    return hashlib.sha256(content).hexdigest()


def answer(store: BlobStore, digest: str) -> None:
    """Reads the question of that name and leaves the answer. Raises BlobMissing, NoQuestion, and whatever the driver of
    a store may raise."""
    question = store.get(digest)
    if len(question) > MOST_BYTES or not _QUESTION.fullmatch(question):
        raise NoQuestion("that is no question")
    store.put(answer_to(question))


def answer_from(url: str, digest: str) -> None:
    """The same in the store of that address, as whoever draws opens it. Raises also what opening it does."""
    answer(BlobStore(url), digest)
