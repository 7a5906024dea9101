"""Which pictures fit words best, and which labels a picture.

Scores of the two generations are no numbers of one kind: a cosine is about one picture and can be compared with that of
any other, a share is about the pictures it was computed among. So each has a type of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from inference.families.ruclip.inputs import ElderInputs, Inputs
from inference.families.ruclip.nets import embed_pictures, embed_texts, temperature

TEMPLATES = (
    "{}",
    "фото, на котором изображено {}",
    "изображение с {}",
    "картинка с {}",
    "фото с {}",
    "на фото видно {}",
)
AT_ONCE = 8  # pictures or texts in a pass


@dataclass(frozen=True, slots=True)
class ByCosine:
    """Indexes of the pictures that fit best, the best first, and how near each is to the words, from -1 to 1."""

    order: tuple[int, ...]
    cosines: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ByShare:
    """Indexes of the pictures that fit best, the best first, and for each the share of the likelihood among all."""

    order: tuple[int, ...]
    shares: tuple[float, ...]


def text_latents(clip: Any, inputs: Inputs, labels: Sequence[str], templates: Sequence[str] = TEMPLATES) -> Tensor:
    """Latents of labels [C, D], of length 1: of each the mean of what it is in all templates."""
    texts = [template.replace("{}", label.lower().strip()) for label in labels for template in templates]
    embedded = [embed_texts(clip, inputs.ids(texts[at : at + AT_ONCE])) for at in range(0, len(texts), AT_ONCE)]
    in_templates = torch.cat(embedded).reshape(len(labels), len(templates), -1)
    return normalize(in_templates.mean(1), dim=-1)


def image_latents(clip: Any, inputs: Inputs | ElderInputs, pictures: Sequence[Tensor]) -> Tensor:
    """Latents of pictures, uint8 [H, W, 3]: [N, D], of length 1."""
    some = (pictures[at : at + AT_ONCE] for at in range(0, len(pictures), AT_ONCE))
    return normalize(torch.cat([embed_pictures(clip, inputs.look.at(batch)) for batch in some]), dim=-1)


def probabilities(
    clip: Any, inputs: Inputs, pictures: Sequence[Tensor], labels: Sequence[str], templates: Sequence[str] = TEMPLATES
) -> Tensor:
    """How probable each of the labels is for each picture, if one of them is right: [N, C], rows sum up to 1."""
    cosines = image_latents(clip, inputs, pictures) @ text_latents(clip, inputs, labels, templates).T
    return (cosines * temperature(clip)).softmax(1)


def rank(clip: Any, inputs: Inputs, pictures: Sequence[Tensor], text: str, count: int = 4) -> ByCosine:
    """The `count` pictures that fit a text best."""
    cosines = image_latents(clip, inputs, pictures) @ text_latents(clip, inputs, [text])[0]
    return ByCosine(*_best(cosines, count))


def rank_by_elder(clip: Any, inputs: ElderInputs, pictures: Sequence[Tensor], text: str, count: int = 4) -> ByShare:
    """The same by the elder version."""
    words = normalize(embed_texts(clip, inputs.ids(text))[0], dim=-1)
    cosines = image_latents(clip, inputs, pictures) @ words
    return ByShare(*_best((cosines * temperature(clip)).softmax(0), count))


def _best(scores: Tensor, count: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    order = scores.argsort(descending=True, stable=True)[:count]
    return tuple(order.tolist()), tuple(scores[order].tolist())
