"""The files that people sent are what the engine works from, whatever their format."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from inference.blobs import UnreadablePicture, decode_picture, encode_png
from inference.engine.loop import Drawn
from tests.inference.engine.fakes import engine_of, finish
from tests.inference.engine.kinds import BLOBS, SIDE, AllKinds, language, open_picture, request, source

SIDEWAYS = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


@pytest.fixture(scope="module")
def kit(random_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AllKinds:
    return AllKinds(random_folder, language(tmp_path_factory.mktemp("language")))


def stored(content: bytes, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(BLOBS, digest, content)
    return {"blob": digest, "width": SIDE, "height": SIDE}


def drawn(kit: AllKinds, kind: str, image: dict[str, object]) -> Tensor:
    engine = engine_of(kit, max_rows=16)
    engine.add(1, request(kind, image=image))
    end = finish(engine)[1][-1]
    assert isinstance(end, Drawn), end
    return end.drawing.pictures[0]


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["refine", "inpaint"])
def test_a_photo_taken_sideways_is_drawn_from_as_its_upright_png_was(
    kit: AllKinds, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    photo = saved(open_picture(BLOBS[source(1)["blob"]]), "JPEG", quality=85, exif=SIDEWAYS)
    png = encode_png(decode_picture(photo))
    pictures = [drawn(kit, kind, stored(content, monkeypatch)) for content in (photo, png)]
    assert torch.equal(*pictures)


def test_a_grey_picture_is_no_mask(kit: AllKinds, monkeypatch: pytest.MonkeyPatch) -> None:
    grey = open_picture(BLOBS[source(1)["blob"]]).convert("L")
    made = [
        drawn(kit, "inpaint", stored(content, monkeypatch))
        for content in (saved(grey, "PNG"), saved(grey.convert("RGB"), "PNG"))
    ]
    assert torch.equal(*made)


def test_a_mask_is_read_as_it_is_and_nothing_but_a_png_is_one(kit: AllKinds, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = Image.linear_gradient("L").resize((SIDE, SIDE))
    at = stored(saved(mask, "PNG"), monkeypatch)["blob"]
    assert kit.mask(str(at)).shape == (SIDE, SIDE)
    with pytest.raises(UnreadablePicture):
        kit.mask(str(stored(saved(mask, "JPEG"), monkeypatch)["blob"]))
