"""Training of a small CLIP (Radford et al., 2021) on the world: pictures and their captions meet in one space.

Its vision tower is the image encoder of the adapter; with its text tower it ranks pictures. Besides matching captions,
the image embedding must name what the picture shows by linear heads, so that an adapter finds it there.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel

from inference.nano import movq, text
from inference.nano.captions import LANGUAGES, Named, caption
from inference.nano.tokenizer import load_tokenizer
from inference.nano.training import batches, fit, load
from inference.nano.world import Scene, sample_scene
from inference.nets.clip import MEAN, STD

PICTURES = 12_288
BATCH = 128
IMAGE = 64  # pixels on a side of what the vision tower sees
EMBEDDING = 96
TOKENS = 48  # longest caption the text tower reads
RATE = 1e-3
NAMED = ("kind", "count", "shape1", "colour1", "shape2", "colour2", "background", "position", "size", "pairing")


def config(vocabulary: int) -> CLIPConfig:
    """The dimensions of both towers."""
    tower: dict[str, Any] = {
        "hidden_size": 96,
        "intermediate_size": 256,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "projection_dim": EMBEDDING,
    }
    words = {"vocab_size": vocabulary, "max_position_embeddings": TOKENS, "bos_token_id": 0, "pad_token_id": 0}
    return CLIPConfig(
        text_config={**tower, **words, "eos_token_id": 1, "num_hidden_layers": 2},
        vision_config={**tower, "image_size": IMAGE, "patch_size": 8},
        projection_dim=EMBEDDING,
    )


class Matcher(nn.Module):
    """Both towers, and heads that name attributes from the image embedding; class 0: the picture has none such."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.clip = CLIPModel(config(vocabulary))
        self.heads = nn.ModuleDict({name: nn.Linear(EMBEDDING, len(text.ATTRIBUTES[name]) + 1) for name in NAMED})


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
    scenes = [sample_scene(first + i) for i in range(PICTURES)]
    truth = text.labels([shown(scene) for scene in scenes])
    tokenizer = load_tokenizer(out / "tokenizer")
    model, order = Matcher(len(tokenizer)).train(), batches(PICTURES, BATCH, generator)

    def loss_of(_step: int) -> Tensor:
        chosen = next(order)
        words = [caption(scenes[i], rng.choice(LANGUAGES), rng)[0] for i in chosen.tolist()]
        ids, mask = text.tokenize(tokenizer, words)
        ids, mask = ids[:, :TOKENS], mask[:, :TOKENS]
        images = _shifted(pixels[chosen].float(), generator)
        with torch.autocast("cpu", torch.bfloat16):
            both = model.clip(input_ids=ids, attention_mask=mask, pixel_values=images)
            embeds = model.clip.visual_projection(both.vision_model_output.pooler_output)
            named = [F.cross_entropy(head(embeds).float(), truth[n][chosen]) for n, head in model.heads.items()]
        logits, same = both.logits_per_image.float(), torch.arange(len(chosen))
        matched = (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
        return matched + torch.stack(named).mean()

    fit(model, loss_of, out, "clip", minutes, peak=RATE, resume=resume)


def _shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures moved by up to two pixels, so that none is learnt by heart."""
    padded = F.pad(images, (2, 2, 2, 2), mode="replicate")
    x, y = torch.randint(0, 5, (2,), generator=generator).tolist()
    return padded[..., y : y + IMAGE, x : x + IMAGE]


def trained(out: Path) -> Matcher:
    """Both towers and heads that `train` left in `out`."""
    state = load(out / "clip.pt")
    if state is None:
        raise FileNotFoundError(f"{out / 'clip.pt'}: train it first (--part clip)")
    model = Matcher(len(load_tokenizer(out / "tokenizer")))
    model.load_state_dict(state["model"])  # type: ignore[arg-type]
    return model.eval()
