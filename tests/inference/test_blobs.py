"""Bytes by their digest, and recipes inside pictures, also inside such as somebody else has made."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import struct
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from inference.blobs import (
    RECIPE_KEY,
    BlobMissing,
    BlobStore,
    UnreadablePicture,
    decode_png,
    encode_png,
    read_recipe,
    recipe_in,
)
from inference.blobs.png import write_png
from inference.requests import FlashTextToImage, Recipe

RECIPE = Recipe(
    request=FlashTextToImage(prompt="красный круг <b>", seeds=(7, 8), width=64, height=64),
    tile=1,
    checkpoints={"movq": "abc"},
    code_version="1",
)


def picture(**texts: str) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        chunks.add_itxt(key.replace("_", "-"), text)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bare_png(width: int, height: int, *, recipe: str = "") -> bytes:
    """A PNG that claims a size and holds no pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    text = chunk(b"iTXt", RECIPE_KEY.encode() + b"\0\0\0\0\0" + recipe.encode()) if recipe else b""
    return b"\x89PNG\r\n\x1a\n" + header + text + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_bytes_come_back_under_their_sha256_and_can_be_forgotten(tmp_path: Path) -> None:
    store = BlobStore(str(tmp_path))
    digest = store.put(b"content")
    assert digest == hashlib.sha256(b"content").hexdigest() == store.put(b"content")
    assert store.exists(digest) and store.get(digest) == b"content"
    store.delete(digest)
    store.delete(digest)
    assert not store.exists(digest)
    with pytest.raises(BlobMissing):
        store.get(digest)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_is_written_bit_by_bit_is_stored_once(tmp_path: Path) -> None:
    store = BlobStore(str(tmp_path))
    first, again = (store.write(lambda file: [file.write(part) for part in (b"con", b"tent")]) for _ in range(2))
    assert first.digest == again.digest == store.put(b"content")
    assert first.fresh and not again.fresh
    assert store.get(first.digest) == b"content"
    assert list(tmp_path.glob("*.part")) == []


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def half(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        BlobStore(str(tmp_path)).write(half)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_leftovers_of_a_crash_go_and_files_being_written_stay(tmp_path: Path) -> None:
    store = BlobStore(str(tmp_path))
    digest = store.put(b"content")
    (tmp_path / "ab").mkdir(exist_ok=True)
    old, older, new = tmp_path / "old.part", tmp_path / "ab" / "older.part", tmp_path / "new.part"
    for path in (old, older, new):
        path.write_bytes(b"half")
    for path in (old, older):
        os.utime(path, (1, 1))
    store.forget_partials()
    assert not old.exists() and not older.exists() and new.exists()
    assert store.get(digest) == b"content"


def test_a_store_that_takes_nothing_is_known_before_a_picture_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore(str(tmp_path / "blobs"))
    store.prove()
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotADirectoryError):
        BlobStore(str(tmp_path / "file" / "blobs")).prove()

    def refuse(number: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("inference.blobs.os.fsync", lambda _file: refuse(errno.EROFS))
    with pytest.raises(OSError, match="Read-only"):
        store.prove()
    monkeypatch.setattr("inference.blobs.os.fsync", lambda _file: refuse(errno.ENOSPC))
    store.prove()  # a full disk is told when a picture finds no room, and is mended by itself


@pytest.mark.parametrize("url", ["folder", "memory://old-and-new"])
def test_what_was_stored_before_a_time_is_known_and_storing_it_again_makes_it_new(tmp_path: Path, url: str) -> None:
    store = BlobStore(str(tmp_path) if url == "folder" else url)
    begin = time.time() - 5
    digests = {store.put(b"content"), store.put(b"more")}
    assert set(store.stored_before(begin)) == set()
    assert set(store.stored_before(time.time() + 5)) == digests
    if url == "folder":
        for path in (path for path in tmp_path.rglob("*") if path.is_file()):
            os.utime(path, (1, 1))
        assert set(store.stored_before(begin)) == digests
        store.put(b"content")
        store.write(lambda file: file.write(b"more"))
        assert set(store.stored_before(begin)) == set()


@pytest.mark.parametrize("shape", [(1, 1, 3), (63, 5, 3), (64, 64, 3), (65, 130, 3), (70, 9)])
def test_a_png_holds_the_very_pixels_whatever_its_shape(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    pixels[: len(pixels) // 2] = pixels[0]
    file = io.BytesIO()
    write_png(file, pixels, {"Author": "кто-то"})
    with Image.open(file) as image:
        assert image.text["Author"] == "кто-то"  # type: ignore[attr-defined]
        assert np.array_equal(np.array(image), pixels)
    assert np.array_equal(np.array(decode_png(file.getvalue())), pixels)


def test_a_large_picture_is_stored_in_a_fraction_of_its_own_room(tmp_path: Path) -> None:
    row = np.random.default_rng(2).integers(0, 256, (1, 4096, 3), dtype=np.uint8)
    pixels = np.broadcast_to(row, (4096, 4096, 3))  # 50 MB that take no room here
    store = BlobStore(str(tmp_path))
    tracemalloc.start()
    try:
        store.write(lambda file: write_png(file, pixels))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < pixels.nbytes / 2


@pytest.mark.parametrize("content", [b"", b"no picture", encode_png(Image.new("RGB", (8, 8)))[:60]])
def test_what_is_no_png_cannot_be_worked_from(content: bytes) -> None:
    with pytest.raises(UnreadablePicture):
        decode_png(content)


def test_a_picture_beyond_the_bounds_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(UnreadablePicture, match="too large"):
        decode_png(bare_png(20_000, 100))
    with pytest.raises(UnreadablePicture, match="too large"):
        decode_png(bare_png(9_000, 9_000))


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_only_digests_lead_into_the_store(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="64"):
        BlobStore(str(tmp_path)).get(digest)


def test_a_store_may_lie_elsewhere_than_on_a_disk() -> None:
    store = BlobStore("memory://blobs")
    assert store.get(store.put(b"content")) == b"content"


def test_a_recipe_comes_back_out_of_its_picture() -> None:
    content = encode_png(Image.new("RGB", (8, 8), "red"), RECIPE)
    assert read_recipe(content) == RECIPE
    with Image.open(io.BytesIO(content)) as image:
        assert image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        picture(),
        picture(kandinsky_studio="{"),
        picture(kandinsky_studio='{"tile": 0}'),
        picture(kandinsky_studio=RECIPE.model_dump_json() + " " * 70_000),
        picture(kandinsky_studio=RECIPE.model_dump_json().replace('"tile":1', '"tile":2')),
        encode_png(Image.new("RGB", (8, 8)), RECIPE)[:60],
    ],
)
def test_what_holds_no_recipe_of_ours_has_none(content: bytes) -> None:
    assert read_recipe(content) is None


def test_a_recipe_is_read_without_the_pixels() -> None:
    assert read_recipe(bare_png(8, 8, recipe=RECIPE.model_dump_json())) == RECIPE


def test_a_picture_that_claims_an_absurd_size_is_not_opened() -> None:
    assert read_recipe(bare_png(60_000, 60_000, recipe=RECIPE.model_dump_json())) is None


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iTXt packed"])
def test_a_recipe_may_come_as_any_text_of_a_png(kind: bytes) -> None:
    recipe = json.dumps(RECIPE.model_dump(mode="json")).encode()  # in ASCII, as all of these can carry it
    told = {
        b"tEXt": b"\0" + recipe,
        b"zTXt": b"\0\0" + zlib.compress(recipe),
        b"iTXt": b"\0\0\0\0\0" + recipe,
        b"iTXt packed": b"\0\1\0\0\0" + zlib.compress(recipe),
    }[kind]
    assert read_recipe(with_chunks((kind[:4], b"kandinsky-studio" + told))) == RECIPE


def test_a_packed_text_that_would_be_huge_is_not_unpacked() -> None:
    bomb = zlib.compress(b" " * 50_000_000)
    assert len(bomb) < 64 * 1024
    assert read_recipe(with_chunks((b"zTXt", b"kandinsky-studio\0\0" + bomb))) is None


def test_of_a_png_with_a_hundred_thousand_chunks_only_the_first_are_read() -> None:
    ours = (b"iTXt", b"kandinsky-studio\0\0\0\0\0" + RECIPE.model_dump_json().encode())
    many = with_chunks(*[(b"tEXt", b"a\0b")] * 100_000, ours)
    file = io.BytesIO(many)
    assert recipe_in(file) is None
    assert file.tell() < 4096


def test_a_recipe_is_found_without_reading_the_file() -> None:
    file = io.BytesIO(encode_png(Image.new("RGB", (512, 512), "red"), RECIPE) + bytes(10_000_000))
    assert recipe_in(file) == RECIPE
    assert file.tell() < 4096


def with_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 8 x 8 with chunks of its own before the pixels."""
    plain = bare_png(8, 8)
    head = 8 + 25  # the signature and IHDR
    return plain[:head] + b"".join(chunk(kind, content) for kind, content in chunks) + plain[head:]
