"""Polishing of the codec's decoder on latents as the U-Net makes them: a little ragged, and never quite on the mark.

The encoder rests, so latents keep their meaning for every net that has learnt from them.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
from diffusers import VQModel
from torch import Tensor

from inference.families.kandinsky.sampling import alphas_cumprod
from inference.nano import movq, text, unet
from inference.nano.captions import LANGUAGES, caption
from inference.nano.training import batches, fit, hasten_norms, load, quick_arithmetic
from inference.nano.world import practice_scene

PICTURES = 4096
SEEDS_APART = 300_000  # from the pictures that the codec and the U-Net have learnt from
BATCH = 12
WHOLE = 6  # pictures of a batch where none is cropped
MADE = 0.6  # share of latents that have gone through the U-Net
TIMES = (60, 420)  # of the noise that the U-Net takes off again
GUIDANCE = 3.0
CELL = movq.CROP // 8  # latent rows of a crop
RATE = 1e-3


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Trains the decoder of `movq.pt`; leaves the whole codec in `decoder.pt`."""
    torch.manual_seed(seed)
    generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
    first = seed * 10_000_000 + SEEDS_APART
    images = movq.pictures(first, PICTURES)
    codec = movq.trained(out).train()
    for learning in (codec.decoder, codec.post_quant_conv):
        learning.requires_grad_(True)
    hasten_norms(codec)
    base, tokenizer, encoder = unet.trained(out)
    alphas, order = alphas_cumprod(), batches(PICTURES, BATCH, generator)

    def remade(clean: Tensor, scenes: list[int]) -> Tensor:
        """Latents with noise put on and taken off again in two guided steps."""
        said = [caption(practice_scene(one), rng.choice(LANGUAGES), rng)[0] for one in scenes]
        ids, mask = text.tokenize(tokenizer, said)
        hidden = encoder(ids, attention_mask=mask).last_hidden_state
        wordless = torch.zeros(len(clean), dtype=torch.bool)
        t, x0 = torch.randint(*TIMES, (len(clean),), generator=generator), clean
        for times in (t, t // 3):
            alpha = alphas[times][:, None, None, None]
            x = alpha.sqrt() * x0 + (1 - alpha).sqrt() * torch.randn(clean.shape, generator=generator)
            cond = base(x, times, hidden, mask, wordless).float()
            uncond = base(x, times, hidden, mask, ~wordless).float()
            noise = uncond + GUIDANCE * (cond - uncond)
            x0 = (x - (1 - alpha).sqrt() * noise) / alpha.sqrt()
        return x0

    def loss_of(step: int) -> Tensor:
        chosen = next(order)[: WHOLE if step % 3 == 0 else BATCH]
        truth, made = images[chosen], round(MADE * len(chosen))
        with torch.no_grad(), quick_arithmetic():
            latents = movq.encode(codec, truth).float()
            noisy = latents + movq.NOISE * latents.std() * torch.randn(latents.shape, generator=generator)
            noisy[:made] = remade(latents[:made], (first + chosen[:made]).tolist())
        if step % 3:
            noisy, truth = _crops(noisy, truth, generator)
        with quick_arithmetic():
            drawn = movq.decode(codec, noisy)
        return movq.distance(drawn, movq.to_input(truth))

    fit(codec, loss_of, out, "decoder", minutes, peak=RATE / 2 if resume else RATE, resume=resume, decay=0.995)


def _crops(latents: Tensor, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same window of each latent and its picture."""
    cut: tuple[list[Tensor], list[Tensor]] = ([], [])
    corners = torch.randint(0, latents.shape[-1] - CELL + 1, (len(latents), 2), generator=generator)
    for latent, image, (y, x) in zip(latents, images, corners.tolist(), strict=True):
        cut[0].append(latent[:, y : y + CELL, x : x + CELL])
        cut[1].append(image[:, 8 * y : 8 * y + movq.CROP, 8 * x : 8 * x + movq.CROP])
    return torch.stack(cut[0]), torch.stack(cut[1])


def trained(out: Path) -> VQModel:
    """The codec with the polished decoder, or as `movq` left it where that has not been trained."""
    state = load(out / "decoder.pt")
    if state is None:
        return movq.trained(out)
    model = movq.build()
    model.load_state_dict(state["model"])
    return model.eval().requires_grad_(False)
