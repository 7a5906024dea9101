"""Training of the inpainting U-Net: nine channels, started from the base, new input weights at zero.

Some masks are boxes around one object with the caption of that object, as the authors of Kandinsky 3.1 tell; some are
what zooming out or enlarging the canvas leaves to paint, and some free strokes or everything but a window, with the
caption of the whole picture. Masked pixels are grey before they are encoded.
"""

from __future__ import annotations

import math
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
from inference.nano.training import batches, fit, load, quick_arithmetic, save
from inference.nano.world import SIZE, Scene, placements, practice_scene

CHANNELS = 9
PICTURES = 4096
SHARD = 1024
RATE = 8e-4
BOXES = 0.35  # share of masks that are boxes around an object
AROUND = 0.4  # share of pictures that lie in a larger frame, of which all the rest is to be painted
WINDOWS = 0.1  # share of masks that keep only a window
ZOOMED = 0.6  # share of the larger frames that are seen as a whole; of the others a window at one end
FRAMES = (160, 192, 192, 256)  # sides of what zooming out shows, in pixels of the picture
MARGINS = (32, 64, 64)  # that a side is enlarged by
CELL = 8  # pixels of a cell of the latents


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
    """A picture that lies in a larger frame, with its own caption: nothing more is to appear around it."""
    return _zoomed(scene, rng) if rng.random() < ZOOMED else _beside(scene, rng)


def _zoomed(scene: Scene, rng: random.Random) -> Example:
    """The picture made smaller in the middle of its frame; of that at least the picture is known, as ring after ring
    is painted."""
    frame = rng.choice(FRAMES)
    whole = draw(scene, size=(frame, frame), corner=((frame - SIZE) // 2,) * 2)
    least = math.ceil((frame - SIZE) / 2 * SIZE / frame / CELL)
    near, far = (CELL * rng.randint(1, least) for _ in range(2))
    mask = Image.new("L", (SIZE, SIZE), 255)
    ImageDraw.Draw(mask).rectangle((near, near, SIZE - far - 1, SIZE - far - 1), fill=0)
    return Example(whole.resize((SIZE, SIZE), Image.Resampling.BOX), mask, scene)


def _beside(scene: Scene, rng: random.Random) -> Example:
    """The outer end of a picture enlarged to one side: things may be cut off where the window ends."""
    margin, before, upright = rng.choice(MARGINS), rng.random() < 0.5, rng.random() < 0.5
    first, long = margin if before else 0, SIZE + margin
    corner, size = (first, 0), (long, SIZE)
    start = 0 if before else margin
    window, unknown = (start, 0, start + SIZE, SIZE), (0 if before else SIZE - margin, 0)
    strip = (*unknown, unknown[0] + margin - 1, SIZE - 1)
    if upright:
        corner, size = corner[::-1], size[::-1]
        window, strip = ((y, x, bottom, right) for x, y, right, bottom in (window, strip))
    mask = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(mask).rectangle(strip, fill=255)
    return Example(draw(scene, size=size, corner=corner).crop(window), mask, scene)


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
        with torch.inference_mode(), quick_arithmetic():
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
        with quick_arithmetic():
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
