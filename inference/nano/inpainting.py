"""Training of the inpainting U-Net: nine channels, started from the base, new input weights at zero.

Half of the masks are boxes around one object with the caption of that object, as the authors of Kandinsky 3.1 tell;
the others are free strokes, or everything but a window, with the caption of the whole picture. Masked pixels are grey
before they are encoded.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from inference.families.kandinsky.sampling import alphas_cumprod
from inference.families.kandinsky.sampling.inpainting import masked as blanked
from inference.families.kandinsky.sampling.inpainting import with_known
from inference.nano import movq, text, unet
from inference.nano.captions import LANGUAGES, caption
from inference.nano.drawing import draw
from inference.nano.training import batches, fit, load, save
from inference.nano.world import SIZE, Scene, placements, practice_scene

CHANNELS = 9
PICTURES = 6144
SHARD = 1024
RATE = 8e-4
BOXES = 0.4  # share of masks that are boxes around an object
AROUND = 0.3  # share of pictures that are a corner of a larger one, of which the middle is known: as when zooming out
WINDOWS = 0.1  # share of masks that keep only a window, as enlarging the canvas to one side does
CANVAS = 192  # pixels on a side of the larger picture


def box_mask(scene: Scene, which: int, rng: random.Random) -> Image.Image:
    """L, 255 where to repaint: a box with some air around object `which`."""
    x, y, radius = placements(scene)[which]
    sides = [radius * rng.uniform(1.15, 1.7) for _ in range(4)]
    corners = (x - sides[0], y - sides[1], x + sides[2], y + sides[3])
    mask = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(mask).rectangle(corners, fill=255)
    return mask


def free_mask(rng: random.Random) -> Image.Image:
    """L, 255 where to repaint: thick strokes across the picture, or all but a window."""
    mask = Image.new("L", (SIZE, SIZE))
    pen = ImageDraw.Draw(mask)
    if rng.random() < WINDOWS / (1 - BOXES - AROUND):
        left, top = rng.choice(((0, 0), (32, 0), (0, 32), (32, 32), (64, 0), (0, 64)))
        pen.rectangle((0, 0, SIZE, SIZE), fill=255)
        pen.rectangle((left, top, left + rng.choice((63, 95)), top + rng.choice((63, 95, 127))), fill=0)
        return mask
    for _ in range(rng.randint(1, 3)):
        points = [(rng.uniform(0, SIZE), rng.uniform(0, SIZE)) for _ in range(rng.randint(2, 4))]
        pen.line(points, fill=255, width=rng.randint(14, 44), joint="curve")
    return mask


@dataclass(frozen=True)
class Example:
    """A picture with a hole (L, 255 where to repaint), and the scene that its caption is about."""

    picture: Image.Image
    mask: Image.Image
    scene: Scene


def around(scene: Scene, rng: random.Random) -> Example:
    """A corner of a larger picture whose middle is known, with the whole caption: nothing more is to appear."""
    left, top = (rng.choice((0, CANVAS - SIZE)) for _ in range(2))
    mask = Image.new("L", (CANVAS, CANVAS), 255)
    near, far = ([8 * rng.randint(2, 5) for _ in range(2)] for _ in range(2))
    ImageDraw.Draw(mask).rectangle((*near, CANVAS - far[0] - 1, CANVAS - far[1] - 1), fill=0)
    corner = (left, top, left + SIZE, top + SIZE)
    return Example(draw(scene, size=(CANVAS, CANVAS)).crop(corner), mask.crop(corner), scene)


def example(seed: int) -> Example:
    """What is learnt from scene `seed`: the masked object alone, a part of it all, or what lies around it."""
    rng, scene = random.Random(seed * 31 + 7), practice_scene(seed)
    pick = rng.random()
    if scene.kind != "abstract" and pick < AROUND:
        return around(scene, rng)
    if scene.kind == "abstract" or pick >= AROUND + BOXES:
        return Example(draw(scene), free_mask(rng), scene)
    which = rng.randrange(len(placements(scene)))
    thing = scene.things[which % len(scene.things)]
    # "centre" and "medium" are what captions mostly leave unsaid: the box says where and how large
    alone = replace(scene, kind="single", things=(thing,), count=1, position="centre", size="medium")
    return Example(draw(scene), box_mask(scene, which, rng), alone)


def widen(model: unet.Denoiser) -> unet.Denoiser:
    """The same net with an input of nine channels; it answers as before until the new weights learn."""
    old = model.unet.conv_in
    wide = nn.Conv2d(CHANNELS, old.out_channels, old.kernel_size, padding=old.padding)
    assert wide.bias is not None
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, : old.in_channels] = old.weight
        wide.bias.copy_(old.bias)
    model.unet.conv_in = wide
    return model


def cache(out: Path, seed: int, start: int) -> dict[str, Tensor]:
    """A shard: scene `seeds`, `latents`, `keep` uint8 [N, 1, h, w] and `masked` latents [N, 4, h, w], made once."""
    path = out / "inpainting" / f"{start}.pt"
    known = load(path)
    if known is None:
        codec, first = movq.trained(out), seed * 10_000_000 + start
        made = [example(first + i) for i in range(SHARD)]
        images = torch.from_numpy(np.stack([np.asarray(one.picture) for one in made])).permute(0, 3, 1, 2).contiguous()
        keep = (torch.from_numpy(np.stack([np.asarray(one.mask) for one in made]))[:, None] == 0).float()
        grey = blanked(movq.to_input(images), keep)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            latents = torch.cat([movq.encode(codec, part) for part in torch.split(images, 64)])
            masked = torch.cat([codec.encode(part).latents for part in torch.split(grey, 64)])
        seeds = torch.arange(first, first + SHARD)
        kept = keep[:, :, ::8, ::8].byte()
        known = {"seeds": seeds, "latents": latents.half(), "keep": kept, "masked": masked.half()}
        save(path, known)
    return known  # type: ignore[return-value]


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Trains the nine-channel U-Net with projection and null embedding of its own; leaves `inpainting.pt`."""
    torch.manual_seed(seed)
    generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
    shards = [cache(out, seed, start) for start in range(0, PICTURES, SHARD)]
    seeds, latents, keep, masked = (torch.cat([s[n] for s in shards]) for n in ("seeds", "latents", "keep", "masked"))
    about = {int(s): example(int(s)).scene for s in seeds}
    base, tokenizer, encoder = unet.trained(out)
    model = unet.prepare(widen(base)).train().requires_grad_(True)
    alphas, order = alphas_cumprod(), batches(len(seeds), unet.BATCH, generator)

    def loss_of(_step: int) -> Tensor:
        chosen = next(order)
        scenes = [about[int(s)] for s in seeds[chosen]]
        ids, attended = text.tokenize(tokenizer, [caption(s, rng.choice(LANGUAGES), rng)[0] for s in scenes])
        t = unet.stratified_times(unet.BATCH, generator)
        clean, alpha = latents[chosen].float(), alphas[t]
        noise = torch.randn(clean.shape, generator=generator)
        scale = alpha[:, None, None, None]
        x = scale.sqrt() * clean + (1 - scale).sqrt() * noise
        dropped = torch.rand(unet.BATCH, generator=generator) < unet.DROPPED
        inputs = with_known(x, keep[chosen], masked[chosen])  # [B, 9, h, w]
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                hidden = encoder(ids, attention_mask=attended).last_hidden_state
            predicted = model(inputs, t, hidden, attended, dropped)
        return unet.noise_loss(predicted, noise, alpha)

    fit(model, loss_of, out, "inpainting", minutes, peak=RATE / 2 if resume else RATE, resume=resume)


def trained(out: Path) -> unet.Denoiser:
    """The net that `train` left in `out`."""
    state = load(out / "inpainting.pt")
    if state is None:
        raise FileNotFoundError(f"{out / 'inpainting.pt'}: train it first (--part inpainting)")
    model = widen(unet.Denoiser())
    model.load_state_dict(state["model"])  # type: ignore[arg-type]
    return model.eval()
