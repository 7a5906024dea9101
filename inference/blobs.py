"""Image bytes in and out: PNG with its recipe inside, in a content-addressed store."""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets

import fsspec
from PIL import Image, PngImagePlugin
from pydantic import ValidationError

from inference.requests import MAX_PICTURE_SIDE, MAX_PIXELS, Recipe

RECIPE_KEY = "kandinsky-studio"
MAX_RECIPE_BYTES = 64 * 1024


class BlobMissing(LookupError):
    """No bytes are stored under this digest."""


class UnreadablePicture(ValueError):
    """Stored bytes are no PNG, a broken one, or one larger than any picture here may be."""


class BlobStore:
    """Bytes addressed by their sha256 (hex), in a folder or any store that fsspec opens by URL.

    `put` is atomic on local disks: a digest that exists holds complete bytes.
    """

    def __init__(self, url: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,))

    def put(self, content: bytes) -> str:
        """Stores bytes, returns their digest. Storing the same bytes again changes nothing."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if self._fs.exists(path):
            return digest
        self._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        if not self._local:
            self._fs.pipe_file(path, content)
            return digest
        partial = f"{path}.{secrets.token_hex(4)}.part"
        with open(partial, "wb") as file:  # noqa: PTH123 - fsspec hands out plain paths
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)  # noqa: PTH105
        return digest

    def get(self, digest: str) -> bytes:
        """The stored bytes. Raises BlobMissing."""
        try:
            return bytes(self._fs.cat_file(self._path(digest)))
        except FileNotFoundError as absent:
            raise BlobMissing(digest) from absent

    def exists(self, digest: str) -> bool:
        return bool(self._fs.exists(self._path(digest)))

    def delete(self, digest: str) -> None:
        """Forgets the bytes; a digest that is not there is no error."""
        path = self._path(digest)
        if self._fs.exists(path):
            self._fs.rm_file(path)

    def _path(self, digest: str) -> str:
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError("a blob is addressed by 64 hexadecimal digits")
        return f"{self._root}/{digest[:2]}/{digest}"


def encode_png(image: Image.Image, recipe: Recipe | None = None) -> bytes:
    """PNG bytes of an image, the recipe as JSON in an iTXt chunk.

    Compression level 1: at level 6 a 4096² picture takes three times as long for 7 % of its size.
    """
    chunks = PngImagePlugin.PngInfo()
    if recipe is not None:
        chunks.add_itxt(RECIPE_KEY, recipe.model_dump_json())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1, pnginfo=chunks)
    return buffer.getvalue()


def decode_png(content: bytes) -> Image.Image:
    """The picture in PNG bytes, mode "L" where it is grey and "RGB" otherwise.

    Raises UnreadablePicture; a size beyond the bounds of the contract is refused before a pixel is decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if max(image.size) > MAX_PICTURE_SIDE or image.width * image.height > MAX_PIXELS:
                raise UnreadablePicture(f"a picture of {image.width}x{image.height} is too large")
            return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as broken:
        raise UnreadablePicture(str(broken)) from broken


def read_recipe(content: bytes) -> Recipe | None:
    """The recipe inside a picture file, None where there is none or it is not ours. Decodes no pixels."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            # What stands before the pixels. Pillow's `text` would decode them all to look behind them as well.
            text = image.info.get(RECIPE_KEY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if not isinstance(text, str) or len(text) > MAX_RECIPE_BYTES:
        return None
    try:
        return Recipe.model_validate_json(text)
    except ValidationError:
        return None
