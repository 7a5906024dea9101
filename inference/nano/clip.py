"""Training of a small CLIP (Radford et al., 2021) on the world: pictures and their captions meet in one space.

Its vision tower is the image encoder of the adapter; with its text tower it ranks pictures. Colours and grounds are
enough to tell the pictures of a batch apart, and a net that is asked no more learns no shapes. So every picture must
also prefer its caption to one that is wrong in a single point, and its embedding must name all that it shows by linear
heads: an adapter finds it there. Half way up every patch has to say which of its parts things cover, and at the top
whose part it is: what has a silhouette before it, whatever the colours, soon tells shapes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel

from inference.families.kandinsky.nets.clip import MEAN, STD
from inference.nano import movq, text
from inference.nano.captions import LANGUAGES, Named, caption
from inference.nano.drawing import covered
from inference.nano.speech.asking import sentences
from inference.nano.tokenizer import READER, load_tokenizer, transplanted
from inference.nano.training import batches, fit, load, quick_arithmetic
from inference.nano.world import (
    BACKGROUNDS,
    COLOURS,
    PAINTERS,
    POSITIONS,
    SHAPES,
    SIZE,
    SIZES,
    Scene,
    Thing,
    placements,
    practice_scene,
)

PICTURES = 24_576
BATCH = 64
IMAGE = 64  # pixels on a side of what the vision tower sees
EMBEDDING = 96
TOKENS = 48  # longest caption the text tower reads
RATE = 1e-3
SHAPE_WEIGHT = 3.0
PATCH, CELLS = 8, 4  # pixels on a side of a patch, and the parts that it tells apart on a side
HALF_WAY = 2  # layers below the silhouettes
COVERED = 0.1  # least share of a patch that makes it a part of a thing
READS = 3  # every so many steps captions are read; shapes take longer than words
WORDS_FIRST, WORDS_BATCH = 8_000_000, 192  # of the sentences that the text tower learns to read people from
GRAIN = 0.05  # noise on normalised pixels
POINTS = {
    "single": ("shape", "shape", "colour", "background", "position", "position", "size"),
    "count": ("shape", "shape", "colour", "background", "count"),
    "pair": ("shape", "shape", "colour", "background", "swapped colours", "swapped things"),
}
NAMED = ("kind", "count", "shape1", "colour1", "shape2", "colour2", "background", "position", "size", "pairing")


def config(vocabulary: int) -> CLIPConfig:
    """The dimensions of both towers."""
    tower: dict[str, Any] = {
        "hidden_size": 96,
        "intermediate_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "projection_dim": EMBEDDING,
    }
    words = {"vocab_size": vocabulary, "max_position_embeddings": TOKENS, "bos_token_id": 0, "pad_token_id": 0}
    return CLIPConfig(
        text_config={**tower, **words, "eos_token_id": 1, "num_hidden_layers": 2},
        vision_config={**tower, "image_size": IMAGE, "patch_size": PATCH},
        projection_dim=EMBEDDING,
    )


class Matcher(nn.Module):
    """Both towers, and heads that name attributes from the image embedding; class 0: the picture has none such."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.clip = CLIPModel(config(vocabulary))
        self.clip.set_attn_implementation("eager")  # at this size twice as fast to train as the fused kernel
        self.heads = nn.ModuleDict({name: nn.Linear(EMBEDDING, len(text.ATTRIBUTES[name]) + 1) for name in NAMED})
        width = self.clip.config.vision_config.hidden_size
        self.silhouette = nn.Linear(width, CELLS**2)
        self.owner = nn.Linear(width, len(SHAPES) + 1)

    def see(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Image embeddings [B, EMBEDDING], and of every patch the logits of what is covered, [B, patches, CELLS²], and
        of the shape that it belongs to, [B, patches, shapes + 1]."""
        with quick_arithmetic():
            seen = self.clip.vision_model(pixel_values=pixels, output_hidden_states=True)
            embeds = self.clip.visual_projection(seen.pooler_output)
            covered_by = self.silhouette(seen.hidden_states[HALF_WAY][:, 1:])
            owned_by = self.owner(seen.last_hidden_state[:, 1:])
        return embeds.float(), covered_by.float(), owned_by.float()

    def read(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Sentence embeddings [B, EMBEDDING] of token ids and mask, both [B, L]; of long ones the end is not read."""
        with quick_arithmetic():
            heard = self.clip.text_model(input_ids=ids[:, :TOKENS], attention_mask=mask[:, :TOKENS]).pooler_output
            embeds: Tensor = self.clip.text_projection(heard)
        return embeds.float()


def to_pixels(images: Tensor) -> Tensor:
    """uint8 [B, 3, H, W] as the vision tower wants them, [B, 3, IMAGE, IMAGE]."""
    small = F.interpolate(images.float() / 255, size=(IMAGE, IMAGE), mode="bicubic", antialias=True).clamp(0, 1)
    return (small - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def shown(scene: Scene) -> Named:
    """Everything that a scene has of NAMED, said or not."""
    if scene.kind == "abstract":
        return {"kind": "abstract"}
    first = {"kind": scene.kind, "background": scene.background}
    names = first | {"shape1": scene.things[0].shape, "colour1": scene.things[0].colour}
    if scene.kind == "count":
        return names | {"count": str(scene.count)}
    if scene.kind == "pair":
        second = scene.things[1]
        return names | {"shape2": second.shape, "colour2": second.colour, "pairing": scene.pairing}
    return names | {"position": scene.position, "size": scene.size}


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Trains both towers; leaves `clip.pt` in `out`."""
    torch.manual_seed(seed)
    generator, rng, first = torch.Generator().manual_seed(seed), random.Random(seed), seed * 10_000_000
    pixels = torch.cat([to_pixels(movq.pictures(first + i, 512)).half() for i in range(0, PICTURES, 512)])
    scenes = [practice_scene(first + i) for i in range(PICTURES)]
    covers = torch.from_numpy(np.stack([covered(scene)[1::2, 1::2] for scene in scenes]))  # [N, IMAGE, IMAGE]
    nearest = torch.stack([_nearest(scene) for scene in scenes])
    truth = text.labels([shown(scene) for scene in scenes])
    tokenizer = load_tokenizer(out / "tokenizer")
    model, order = Matcher(len(tokenizer)).train(), batches(PICTURES, BATCH, generator)

    def named(embeds: Tensor, chosen: Tensor) -> Tensor:
        """How wrongly the heads name what is shown. A shape is the hardest to see and weighs most."""
        losses = {n: F.cross_entropy(head(embeds), truth[n][chosen]) for n, head in model.heads.items()}
        weights = {n: SHAPE_WEIGHT if n.startswith("shape") else 1.0 for n in losses}
        return torch.stack([losses[n] * weights[n] for n in losses]).sum() / sum(weights.values())

    def loss_of(step: int) -> Tensor:
        chosen = next(order)
        images, cells = _shifted(pixels[chosen].float(), covers[chosen], generator)
        embeds, covered_by, owned_by = model.see(images)
        owners = nearest[chosen] * (cells.mean(-1) > COVERED)
        loss = named(embeds, chosen) + F.binary_cross_entropy_with_logits(covered_by, cells)
        loss = loss + F.cross_entropy(owned_by.flatten(0, 1), owners.flatten())
        if step % READS:
            return loss
        pairs = [told(scenes[i], rng.choice(LANGUAGES), rng) for i in chosen.tolist()]
        right, wrong = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        read = model.read(*text.tokenize(tokenizer, [*right, *wrong]))
        alike = F.normalize(embeds, dim=-1) @ F.normalize(read, dim=-1).T
        return matching_loss(alike * model.clip.logit_scale.exp(), right, wrong) + loss

    fit(model, loss_of, out, "clip", minutes, peak=RATE, resume=resume)


def train_words(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Teaches the text tower to read people: it puts a sentence where it has put the plain caption of the same meaning.

    Leaves both towers in `ranker.pt`; that of pictures rests.
    """
    torch.manual_seed(seed)
    plain, tokenizer = (load_tokenizer(out / folder) for folder in ("tokenizer", READER))
    teacher, model = trained(out), reader(out).train().requires_grad_(False)
    for learning in (model.clip.text_model, model.clip.text_projection):
        learning.requires_grad_(True)

    def loss_of(step: int) -> Tensor:
        said, meant, _ = sentences(seed * 10_000_000 + WORDS_FIRST + step * WORDS_BATCH, WORDS_BATCH)
        with torch.no_grad():
            wanted = teacher.read(*text.tokenize(plain, meant))
        return 1 - F.cosine_similarity(model.read(*text.tokenize(tokenizer, said)), wanted).mean()

    fit(model, loss_of, out, "ranker", minutes, peak=RATE, resume=resume)


def reader(out: Path) -> Matcher:
    """Both towers, that of texts with the vocabulary of the encoder that reads people; its words begin as spelt now."""
    teacher, model = trained(out), Matcher(len(load_tokenizer(out / READER)))
    words = teacher.clip.text_model.embeddings.token_embedding.weight.detach()
    name = "clip.text_model.embeddings.token_embedding.weight"
    fresh = {name: transplanted(words, out / "tokenizer", out / READER)}
    model.load_state_dict({**teacher.state_dict(), **fresh})
    return model


def matching_loss(logits: Tensor, right: Sequence[str], wrong: Sequence[str]) -> Tensor:
    """Each picture finds its caption among all, its own wrong one above all; each caption finds its picture.

    Logits are [B, 2B]: right captions, then wrong ones. Where a caption does not mention what is wrong both read the
    same, and nothing is asked.
    """
    same = torch.arange(len(right))
    differ = torch.tensor([a != b for a, b in zip(right, wrong, strict=True)])
    own = torch.stack([logits[same, same], logits[same, same + len(right)]], dim=1)[differ]
    told_apart = F.cross_entropy(own, torch.zeros(len(own), dtype=torch.long)) if len(own) else logits.new_zeros(())
    among = logits.masked_fill(F.pad(torch.diag(~differ), (len(right), 0)), float("-inf"))
    matched = (F.cross_entropy(among, same) + F.cross_entropy(logits[:, : len(right)].T, same)) / 2
    return matched + told_apart


def told(scene: Scene, language: str, rng: random.Random) -> tuple[str, str]:
    """A caption of the scene, and the same words for one that differs in a single point."""
    other, state = altered(scene, rng), rng.getstate()
    right = caption(scene, language, rng)[0]
    rng.setstate(state)
    return right, caption(other, language, rng)[0]


def altered(scene: Scene, rng: random.Random) -> Scene:
    """The scene with another shape, colour, ground, place, size or number, or with its two things mixed up."""
    if scene.kind == "abstract":
        return replace(scene, painter=_another(PAINTERS, scene.painter, rng))
    point = rng.choice(POINTS[scene.kind])
    which, things = rng.randrange(len(scene.things)), list(scene.things)
    thing = things[which]
    if point == "shape":
        things[which] = Thing(_another(SHAPES, thing.shape, rng), thing.colour)
    elif point == "colour":
        things[which] = Thing(thing.shape, _another(tuple(COLOURS), thing.colour, rng))
    elif point == "swapped colours":
        things = [Thing(things[0].shape, things[1].colour), Thing(things[1].shape, things[0].colour)]
    elif point == "swapped things":
        things.reverse()
    elif point == "count":
        return replace(scene, count=5 - scene.count)
    else:
        values = {"background": BACKGROUNDS, "position": POSITIONS, "size": SIZES}[point]
        return replace(scene, **{point: _another(values, getattr(scene, point), rng)})  # type: ignore[arg-type]
    return replace(scene, things=tuple(things))


def _another(values: tuple[str, ...], than: str, rng: random.Random) -> str:
    return rng.choice([value for value in values if value != than])


def embed(tower: Any, pixels: Tensor) -> Tensor:
    """Image embeddings [B, EMBEDDING], not normalised, of what `to_pixels` gives, by a CLIP's vision side."""
    embeds: Tensor = tower.visual_projection(tower.vision_model(pixel_values=pixels).pooler_output)
    return embeds


def _nearest(scene: Scene) -> Tensor:
    """Of every patch the shape that lies nearest to it, [patches]: 1 and more by SHAPES, 0 where there is none."""
    if scene.kind == "abstract":
        return torch.zeros((IMAGE // PATCH) ** 2, dtype=torch.long)
    places, step = placements(scene), SIZE * PATCH / IMAGE
    things = scene.things if scene.kind == "pair" else scene.things * len(places)
    middles = [((i + 0.5) * step, (j + 0.5) * step) for j in range(IMAGE // PATCH) for i in range(IMAGE // PATCH)]
    found = [min(range(len(places)), key=lambda k: math.dist(middle, places[k][:2])) for middle in middles]
    return torch.tensor([SHAPES.index(things[k].shape) + 1 for k in found])


def _shifted(images: Tensor, covers: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures moved by up to three pixels and a little grainy, so that none is learnt by heart; and how much of every
    part of every patch is covered there, [B, patches, CELLS²]."""
    x, y = torch.randint(0, 7, (2,), generator=generator).tolist()
    images, covers = (
        F.pad(planes, (3, 3, 3, 3), mode="replicate")[..., y : y + IMAGE, x : x + IMAGE]
        for planes in (images, covers[:, None].float())
    )
    cells = F.unfold(F.avg_pool2d(covers, PATCH // CELLS), CELLS, stride=CELLS).transpose(1, 2)
    return images + GRAIN * torch.randn(images.shape, generator=generator), cells


def ranking(out: Path) -> Matcher:
    """Both towers as `train_words` left them in `out`, or `trained` where it has not run."""
    state = load(out / "ranker.pt")
    if state is None:
        return trained(out)
    model = Matcher(len(load_tokenizer(out / READER)))
    model.load_state_dict(state["model"])  # type: ignore[arg-type]
    return model.eval()


def trained(out: Path) -> Matcher:
    """Both towers and heads that `train` left in `out`."""
    state = load(out / "clip.pt")
    if state is None:
        raise FileNotFoundError(f"{out / 'clip.pt'}: train it first (--part clip)")
    model = Matcher(len(load_tokenizer(out / "tokenizer")))
    model.load_state_dict(state["model"])  # type: ignore[arg-type]
    return model.eval()
