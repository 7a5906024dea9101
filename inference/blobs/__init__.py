"""Image bytes in and out, in a content-addressed store: PNG with its recipe inside, and files that people sent."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import fsspec
import numpy as np
from PIL import Image
from pydantic import ValidationError

from inference.blobs.pictures import UnreadablePicture, decode_picture, within_bounds
from inference.blobs.png import leading_texts, write_png
from inference.requests import MAX_PIXELS, Recipe

__all__ = [
    "BlobMissing",
    "BlobStore",
    "Kept",
    "LibraryMissing",
    "StoreAway",
    "Stored",
    "UnreadablePicture",
    "decode_picture",
    "decode_png",
    "encode_png",
    "forget_partials",
    "read_recipe",
    "recipe_in",
    "recipe_texts",
    "scratch_file",
]

RECIPE_KEY = "kandinsky-studio"
MAX_RECIPE_BYTES = 64 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FULL = (errno.ENOSPC, errno.EDQUOT)
PARTIAL_SECONDS = 3600.0  # nobody writes one file for longer
# A store that stands still is given up sooner than its library would, and tried again by whoever can wait.
_PATIENCE = {"s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 20, "retries": {"total_max_attempts": 1}}}}
_TRIES = 2
_WITHOUT_FOLDERS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs"})  # making one there would make a bucket


class BlobMissing(LookupError):
    """No bytes are stored under this digest."""


class StoreAway(OSError):
    """A store did not answer for as long as it was waited for; what it has may be there another time."""


class LibraryMissing(RuntimeError):
    """The library that speaks to this kind of store is not installed; the message says how to get it."""


class Kept(NamedTuple):
    """Bytes on this machine's disk, on their way into a store. Whoever has this takes the file away."""

    digest: str
    path: Path


class Stored(NamedTuple):
    """`fresh` is False where the same bytes were there before."""

    digest: str
    fresh: bool


class BlobStore:
    """Bytes addressed by their sha256 (hex), in a folder or any store that fsspec opens by URL.

    `put` is atomic on local disks: a digest that exists holds complete bytes. What goes elsewhere is first written to
    `scratch`, a folder of this machine. Raises LibraryMissing, and ValueError for a kind of store that nobody knows.
    """

    SCRATCH = Path(tempfile.gettempdir())

    def __init__(self, url: str, scratch: Path | None = None) -> None:
        try:  # others store here, too: what was listed once is not believed later
            options = _PATIENCE.get(url.partition("://")[0], {})
            self._fs, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False, **options)
        except ImportError as absent:
            extra = url.partition("://")[0]
            advice = f"the library for {extra}:// is not installed; pip install '.[{extra}]' brings that for s3://"
            raise LibraryMissing(advice) from absent
        if hasattr(self._fs, "retries"):
            self._fs.retries = _TRIES
        kinds = self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,)
        self._local, self._has_folders = "file" in kinds, _WITHOUT_FOLDERS.isdisjoint(kinds)
        self._scratch = Path(self._root) if self._local else scratch or self.SCRATCH

    def put(self, content: bytes) -> str:
        """Stores bytes, returns their digest. Storing the same bytes again changes nothing but their age."""
        digest = hashlib.sha256(content).hexdigest()
        return digest if self._renewed(digest) else self.write(lambda file: file.write(content)).digest

    def write(self, write: Callable[[BinaryIO], object]) -> Stored:
        """Stores what `write(file)` writes, which need not be in memory at any time."""
        kept = self.keep(write)
        try:
            return self.take(kept)
        finally:
            kept.path.unlink(missing_ok=True)

    def keep(self, write: Callable[[BinaryIO], object]) -> Kept:
        """Writes what `write(file)` writes to this machine's disk, to be taken in."""
        return scratch_file(self._scratch, write)

    def take(self, kept: Kept) -> Stored:
        """Takes in what was kept. Where this fails nothing has happened, and it may be tried again."""
        fresh = not self.exists(kept.digest)
        if fresh or not self._renewed(kept.digest):
            self._move(kept.path, self._path(kept.digest))
        return Stored(kept.digest, fresh)

    def prove(self) -> None:
        """Stores a little and takes it away again. Raises whatever a disk or a store raises that can take nothing; not
        for one that is full, which is told when a picture finds no room, and goes on by itself."""
        try:
            self.delete(self.write(lambda file: file.write(secrets.token_bytes(16))).digest)
        except OSError as refused:
            if refused.errno not in _FULL:
                raise

    def forget_partials(self) -> None:
        """Removes what processes that were killed while they wrote have left behind."""
        forget_partials(self._scratch)

    def get(self, digest: str) -> bytes:
        """The stored bytes. Raises BlobMissing."""
        try:
            return bytes(self._fs.cat_file(self._path(digest)))
        except FileNotFoundError as absent:
            raise BlobMissing(digest) from absent

    def path(self, digest: str) -> Path | None:
        """Where the bytes lie on this machine's disk; None where the store is elsewhere. Raises BlobMissing."""
        if not self._local:
            return None
        path = Path(self._path(digest))
        if not path.is_file():
            raise BlobMissing(digest)
        return path

    def exists(self, digest: str) -> bool:
        return bool(self._fs.exists(self._path(digest)))

    def size(self, digest: str) -> int:
        """How many bytes are stored; 0 where there are none."""
        try:
            return int(self._fs.size(self._path(digest)) or 0)
        except FileNotFoundError:
            return 0

    def stored_at(self, digest: str) -> float | None:
        """When these bytes were last stored, in seconds since the epoch; None where they are not."""
        try:
            return float(self._fs.modified(self._path(digest)).timestamp())
        except FileNotFoundError:
            return None

    def stored_before(self, when: float) -> Iterator[str]:
        """Digests of what was last stored before a time (seconds since the epoch)."""
        for shard in range(256):
            folder = f"{self._root}/{shard:02x}"
            if not self._fs.isdir(folder):
                continue
            for found in self._fs.ls(folder, detail=True):
                digest = found["name"].rsplit("/", 1)[-1]
                with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                    if _DIGEST.fullmatch(digest) and self._modified(found) < when:
                        yield digest

    def delete(self, digest: str) -> None:
        """Forgets the bytes; a digest that is not there is no error."""
        path = self._path(digest)
        if self._fs.exists(path):
            self._fs.rm_file(path)

    def _modified(self, found: Mapping[str, Any]) -> float:
        """When what was listed was stored, which object stores say in their lists."""
        told = found.get("LastModified")
        return float((told if isinstance(told, datetime) else self._fs.modified(found["name"])).timestamp())

    def _renewed(self, digest: str) -> bool:
        """Whether these bytes are there and count as just stored. Elsewhere than on a local disk, storing does that."""
        if not self._local:
            return False
        try:
            os.utime(self._path(digest))
        except FileNotFoundError:
            return False
        return True

    def _move(self, partial: Path, path: str) -> None:
        if self._has_folders:
            self._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        if self._local:
            partial.replace(path)
        else:
            self._fs.put_file(str(partial), path)

    def _path(self, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise ValueError("a blob is addressed by 64 hexadecimal digits")
        return f"{self._root}/{digest[:2]}/{digest}"


def scratch_file(folder: Path, write: Callable[[BinaryIO], object]) -> Kept:
    """What `write(file)` writes, in a new file of this folder, or nothing where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{secrets.token_hex(8)}.part"
    try:
        with partial.open("wb") as file:
            return Kept(_written(file, write), partial)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def forget_partials(folder: Path) -> None:
    """Removes files of `scratch_file` that nobody can be writing any more."""
    for partial in (*folder.glob("*.part"), *folder.glob("??/*.part")):
        with contextlib.suppress(FileNotFoundError):  # taken in since it was listed
            if partial.stat().st_mtime < time.time() - PARTIAL_SECONDS:
                partial.unlink()


class _Hashing:
    """A file that knows the sha256 of what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.sha256.update(content)
        return self._file.write(content)


def _written(file: BinaryIO, write: Callable[[BinaryIO], object]) -> str:
    """The digest of what `write` writes, which lies safely on the disk then."""
    hashing = _Hashing(file)
    write(cast(BinaryIO, hashing))
    file.flush()
    os.fsync(file.fileno())
    return hashing.sha256.hexdigest()


def recipe_texts(recipe: Recipe | None) -> dict[str, str]:
    """The texts of a PNG that carry a recipe."""
    return {} if recipe is None else {RECIPE_KEY: recipe.model_dump_json()}


def encode_png(image: Image.Image, recipe: Recipe | None = None) -> bytes:
    """PNG bytes of an image, grey or RGB, the recipe as JSON in an iTXt chunk."""
    buffer = io.BytesIO()
    write_png(buffer, np.asarray(image.convert("L" if image.mode == "L" else "RGB")), recipe_texts(recipe))
    return buffer.getvalue()


def decode_png(content: bytes) -> Image.Image:
    """The picture in our own PNG bytes, mode "L" where it is grey, as masks are, and "RGB" otherwise.

    Raises UnreadablePicture; a size beyond the bounds of the contract is refused before a pixel is decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if not within_bounds(image.size):
                raise UnreadablePicture(f"a picture of {image.width}x{image.height} is too large")
            return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as broken:
        raise UnreadablePicture(str(broken)) from broken


def read_recipe(content: bytes) -> Recipe | None:
    """The recipe inside a picture file, None where there is none or it is not ours. Decodes no pixels."""
    return recipe_in(io.BytesIO(content))


def recipe_in(file: BinaryIO) -> Recipe | None:
    """The same of an open file, of which only what stands before the pixels is read."""
    head = file.read(24)
    if int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big") > MAX_PIXELS:
        return None
    file.seek(0)
    texts = (text for keyword, text in leading_texts(file, MAX_RECIPE_BYTES) if keyword == RECIPE_KEY)
    text = next(texts, None)
    if text is None or len(text) > MAX_RECIPE_BYTES:
        return None
    try:
        return Recipe.model_validate_json(text)
    except ValidationError:
        return None
