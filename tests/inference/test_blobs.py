"""Bytes by their digest, and recipes inside pictures, also inside such as somebody else has made."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from inference.blobs import RECIPE_KEY, BlobMissing, BlobStore, encode_png, read_recipe
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
