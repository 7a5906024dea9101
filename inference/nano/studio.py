"""The engine over a checkpoint in this process: requests in, pixels out, by the very code that serves people."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from inference.blobs import BlobMissing
from inference.engine.loop import Drawn, Engine
from inference.engine.nets import Nets
from inference.engine.policy import device_policy
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.files.store import model_card
from inference.families.kandinsky.kit import CheckpointKit
from inference.requests import AnyRequest, Failed, Source

Pixels = np.ndarray
AT_ONCE = 32  # requests in the engine together: enough to fill every pass


class Studio:
    """Draws on the CPU with the checkpoint in `folder`. `card` tells what it can do and at which sizes."""

    def __init__(self, folder: Path) -> None:
        self.card = model_card(folder, embedded=folder)
        checkpoint, policy = Checkpoint.open(folder), device_policy("cpu")
        self.files = checkpoint.files
        self._blobs: dict[str, bytes] = {}
        nets = Nets(policy.device)
        kit = CheckpointKit(checkpoint, policy, nets, read_blob=self._read)
        self._engine = Engine([kit], nets, max_rows=policy.max_rows, previews=False)
        self._numbers = itertools.count()

    def put(self, picture: Pixels) -> Source:
        """Stores a picture, uint8 [H, W, 3], for requests to work from; for a mask, [H, W], its blob is what counts."""
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        self._blobs[digest] = buffer.getvalue()
        return Source(blob=digest, width=picture.shape[1], height=picture.shape[0])

    def draw(self, requests: Sequence[AnyRequest]) -> list[list[Pixels]]:
        """The pictures of every request, uint8 [H, W, 3] each, in the order of its seeds.

        Requests share passes where the engine finds that they can. Raises RuntimeError when one of them fails.
        """
        made: list[list[Pixels]] = []
        for first in range(0, len(requests), AT_ONCE):
            made += self._draw(requests[first : first + AT_ONCE])
        return made

    def _draw(self, requests: Sequence[AnyRequest]) -> list[list[Pixels]]:
        numbers = list(itertools.islice(self._numbers, len(requests)))
        for number, request in zip(numbers, requests, strict=True):
            self._engine.add(number, request)
        made: dict[int, list[Pixels]] = {}
        while len(made) < len(requests):
            for number, event in self._engine.turn():
                if isinstance(event, Failed):
                    raise RuntimeError(f"{requests[number - numbers[0]].kind} failed: {event.message}")
                if isinstance(event, Drawn):
                    made[number] = [picture.numpy() for picture in event.drawing.pictures]
        return [made[number] for number in numbers]

    def _read(self, digest: str) -> bytes:
        try:
            return self._blobs[digest]
        except KeyError:
            raise BlobMissing(digest) from None
