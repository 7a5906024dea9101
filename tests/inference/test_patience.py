"""What cannot be stored just now is tried again, and nothing is drawn again for it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from inference.blobs import BlobMissing, BlobStore, Kept, StoreAway, Stored, patience
from inference.blobs.patience import PatientStore

CONTENT = b"a picture"


class Rough:
    """A store that fails so often before it works."""

    def __init__(self, folder: Path, failures: int, error: Exception) -> None:
        self.store = BlobStore(str(folder))
        self.failures, self.error, self.written = failures, error, 0

    def prove(self) -> None:
        self._fail()

    def get(self, digest: str) -> bytes:
        self._fail()
        return self.store.get(digest)

    def keep(self, write: Callable[[BinaryIO], object]) -> Kept:
        self.written += 1
        return self.store.keep(write)

    def take(self, kept: Kept) -> Stored:
        self._fail()
        return self.store.take(kept)

    def _fail(self) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise self.error


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(patience, "LONGEST_PAUSE", 0.001)


def test_a_picture_is_written_once_and_taken_when_the_store_is_there_again(tmp_path: Path) -> None:
    said: list[str] = []
    rough = Rough(tmp_path, 5, PermissionError("the bucket is away"))
    stored = PatientStore(rough, lambda pause, why: said.append(why)).write(lambda file: file.write(CONTENT))
    assert rough.store.get(stored.digest) == CONTENT
    assert rough.written == 1
    assert said == ["the store is out of reach (PermissionError)"] * 5, "so that nobody takes it for a hang"
    assert PatientStore(rough, lambda pause, why: None).get(stored.digest) == CONTENT


def test_patience_ends_and_leaves_nothing(tmp_path: Path) -> None:
    rough = Rough(tmp_path, 10**9, ConnectionError("the bucket is away"))
    patient = PatientStore(rough, lambda pause, why: None, seconds=0.05)
    with pytest.raises(ConnectionError, match="away"):
        patient.write(lambda file: file.write(CONTENT))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreAway, match="away"):
        patient.get("0" * 64)


def test_nobody_waits_for_what_does_not_pass(tmp_path: Path) -> None:
    def no_pause(pause: float, why: str) -> None:
        raise AssertionError(why)

    with pytest.raises(BlobMissing):
        PatientStore(Rough(tmp_path, 0, OSError()), no_pause).get("0" * 64)
    full = OSError(errno.ENOSPC, "no space left on device")

    def write(file: BinaryIO) -> None:
        raise full

    with pytest.raises(OSError, match="no space"):
        PatientStore(Rough(tmp_path, 0, OSError()), no_pause).write(write)
    with pytest.raises(OSError, match="away"):
        PatientStore(Rough(tmp_path, 1, OSError("away")), no_pause).prove()
