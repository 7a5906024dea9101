"""What ruCLIP is given: ids of words and square pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inference.checkpoints.yttm import YTTM
from inference.families.ruclip.nets import BOS, EOS, PAD

Colour = tuple[float, float, float]
MEAN: Colour = (0.48145466, 0.4578275, 0.40821073)
STD: Colour = (0.26862954, 0.26130258, 0.27577711)
ELDER_MEAN: Colour = (0.485, 0.456, 0.406)  # ImageNet's
ELDER_STD: Colour = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Look:
    """How a version sees pictures: pixels of a side, and what is taken for zero and one of red, green and blue."""

    size: int
    mean: Colour = MEAN
    std: Colour = STD

    def at(self, pictures: Sequence[Tensor]) -> Tensor:
        """What the net sees of pictures, uint8 [H, W, 3]: float32 [B, 3, size, size], normalised."""
        return torch.stack([self._one(picture) for picture in pictures])

    def _one(self, picture: Tensor) -> Tensor:
        square = Image.fromarray(middle(picture).numpy()).resize((self.size, self.size), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 255
        return (pixels - torch.tensor(self.mean)[:, None, None]) / torch.tensor(self.std)[:, None, None]


def middle(picture: Tensor) -> Tensor:
    """The largest square [S, S, 3] in the middle of a picture [H, W, 3]; the ends of a long one are not seen."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Of one of the six versions; texts are `context` ids long."""

    words: YTTM
    context: int
    look: Look

    def ids(self, texts: Sequence[str]) -> Tensor:
        """Ids of texts [B, context]. What does not fit is cut off before the end of the text is marked."""
        return torch.tensor([self._one(text) for text in texts])

    def _one(self, text: str) -> list[int]:
        ids = [BOS, *self.words.encode(text.lower())[: self.context - 2], EOS]
        return ids + [PAD] * (self.context - len(ids))


@dataclass(frozen=True, slots=True, eq=False)
class ElderInputs:
    """Of the elder version; a text is at most `context` ids long."""

    words: YTTM
    context: int
    look: Look

    def ids(self, text: str) -> Tensor:
        """Ids of a text [1, L]; one that is too long loses its end, the mark included."""
        return torch.tensor([[BOS, *self.words.encode(text.lower()), EOS][: self.context]])
