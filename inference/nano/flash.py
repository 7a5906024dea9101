"""Training of the Flash student: four steps without guidance that land where the guided teacher lands in nine.

The teacher runs deterministically from noise to a picture; the student learns to say the end point from the states at
Flash's four times. In use every later state is made from the student's own, slightly blurred estimate, so a part of the
batch is made that way too: the student sees what it will be shown.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import T5EncoderModel, T5Tokenizer

from inference.families.kandinsky.conditioning import UNSEEN_PAD, contexts_by_rule, encode, tokenize
from inference.families.kandinsky.nets.unet import predict_noise
from inference.families.kandinsky.sampling import FLASH_TIMES, alphas_cumprod, guided_epsilon, threshold
from inference.nano import movq, text, unet
from inference.nano.drawing import draw
from inference.nano.speech.asking import sentences
from inference.nano.training import batches, fit, load, quick_arithmetic, save
from inference.nano.world import SQUARE, TALL, WIDE, Size, practice_scene

TEACHER_TIMES = (979, 854, 729, 604, 479, 354, 229, 146, 62)
GUIDANCE = 3.0
TRAJECTORIES = 3072
FIRST = 5_000_000  # of their scenes, from where those of the base begin
LENGTH = 40  # tokens kept of a caption; the longest has fewer
BATCH = 64
RATE = 6e-4
SHARD = 512
HUBER = 0.3
LARGE_PICTURES, LARGE_FIRST, LARGE_BATCH = 768, 6_000_000, 16
REFINING = 5  # every so many steps is about large pictures
OBLONG, OBLONG_BATCH = 768, 42  # trajectories of each oblong size; every so many steps a batch of them
OWN_STATES = (0.0, 0.25, 0.4, 0.6)  # share of a batch made from the student's own estimate, by Flash time


def _alpha(t: Tensor | int) -> Tensor:
    return alphas_cumprod()[t].reshape(-1, 1, 1, 1)


def estimate(x: Tensor, noise: Tensor, t: Tensor | int) -> Tensor:
    """x0 from a state and its noise, float32."""
    alpha = _alpha(t)
    return (x - (1 - alpha).sqrt() * noise.float()) / alpha.sqrt()


def renoise(x0: Tensor, t: Tensor | int, generator: torch.Generator) -> Tensor:
    """The state at `t` of an estimate under fresh noise."""
    alpha = _alpha(t)
    return alpha.sqrt() * x0 + (1 - alpha).sqrt() * torch.randn(x0.shape, generator=generator)


@torch.inference_mode()
def trajectory(teacher: unet.Denoiser, hidden: Tensor, mask: Tensor, x: Tensor) -> Tensor:
    """States at Flash's times and the end point, [B, 5, 4, h, w]: the guided teacher's way from noise x at η = 0."""
    kept, n = [], len(x)
    twice_hidden, twice_mask = torch.cat([hidden, hidden]), torch.cat([mask, mask])
    dropped = torch.arange(2 * n) >= n
    for t, following in zip(TEACHER_TIMES, (*TEACHER_TIMES[1:], None), strict=True):
        if t in FLASH_TIMES:
            kept.append(x)
        with quick_arithmetic():
            noise = teacher(torch.cat([x, x]), torch.full((2 * n,), t), twice_hidden, twice_mask, dropped)
        cond, uncond = noise.float().chunk(2)
        x0 = threshold(estimate(x, guided_epsilon(cond, uncond, GUIDANCE), t))
        if following is not None:
            eps = (x - _alpha(t).sqrt() * x0) / (1 - _alpha(t)).sqrt()
            x = _alpha(following).sqrt() * x0 + (1 - _alpha(following)).sqrt() * eps
    return torch.stack([*kept, x0], dim=1)


def _encoded(tokenizer: T5Tokenizer, encoder: T5EncoderModel, texts: list[str]) -> tuple[Tensor, Tensor]:
    """Hidden states fp16 [N, LENGTH, C] of texts and their mask uint8 [N, LENGTH]."""
    ids, mask = text.tokenize(tokenizer, texts)
    ids, mask = ids[:, :LENGTH], mask[:, :LENGTH]
    with torch.inference_mode():
        hidden = encoder(ids, attention_mask=mask).last_hidden_state
    room = LENGTH - ids.shape[1]
    return F.pad(hidden, (0, 0, 0, room)).half(), F.pad(mask, (0, room)).to(torch.uint8)


def cache_trajectories(out: Path, seed: int, start: int, count: int, size: Size = SQUARE) -> Path:
    """Runs the teacher on `count` plain captions once; returns the file with its states, and what the student hears:
    hidden states and masks of the captions, or, in every other case, of what people say for them, where those are read.
    """
    width, height = size
    path = out / "trajectories" / f"{width}x{height}" / f"{start}.pt"
    if path.exists():
        return path
    teacher, tokenizer, encoder = unet.trained(out)
    unet.prepare(teacher)
    generator, parts = torch.Generator().manual_seed(seed + start), []
    for i in range(0, count, 64):
        said, meant, _ = sentences(seed * 10_000_000 + FIRST + start + i, 64)
        hidden, mask = _encoded(tokenizer, encoder, meant)
        longest = int(mask.long().sum(1).max())
        x = torch.randn(64, 4, height // 8, width // 8, generator=generator)
        states = trajectory(teacher, hidden[:, :longest].float(), mask[:, :longest].long(), x)
        if text.reads_people(encoder):
            hidden, mask = _encoded(tokenizer, encoder, [(said, meant)[n % 2][n] for n in range(64)])
        parts.append((states.half(), hidden, mask))
    states, hidden, mask = (torch.cat(column).clone() for column in zip(*parts, strict=True))
    save(path, {"states": states, "hidden": hidden, "mask": mask})
    return path


class Trajectories:
    """The teacher's ways to pictures of one size, met in batches."""

    def __init__(self, out: Path, seed: int, count: int, size: Size, batch: int, generator: torch.Generator) -> None:
        first = 0 if size == SQUARE else TRAJECTORIES * size[0]  # no two sizes are of the same sentences
        parts = [load(cache_trajectories(out, seed, first + start, SHARD, size)) for start in range(0, count, SHARD)]
        self._columns = [torch.cat([p[name] for p in parts if p]) for name in ("states", "hidden", "mask")]  # type: ignore
        self._order = batches(len(self._columns[0]), batch, generator)

    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """States [B, 5, 4, h, w], hidden states [B, L, C] and mask [B, L] of the next ones."""
        chosen = next(self._order)
        states, hidden, mask = (column[chosen] for column in self._columns)
        longest = int(mask.long().sum(1).max())
        return states.float(), hidden[:, :longest].float(), mask[:, :longest].long()


def _inputs(
    student: unet.Denoiser, states: Tensor, hidden: Tensor, mask: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """States x [B, 4, h, w] and times [B] for a batch of trajectories [B, 5, 4, h, w]; some made from own estimates."""
    n = len(states)
    which = torch.arange(n)[torch.randperm(n, generator=generator)] % len(FLASH_TIMES)
    times = torch.tensor(FLASH_TIMES)
    x = states[torch.arange(n), which].clone()
    own = torch.rand(n, generator=generator) < torch.tensor(OWN_STATES)[which]
    if own.any():
        before = which[own] - 1
        earlier = states[own][torch.arange(int(own.sum())), before]
        with torch.no_grad(), quick_arithmetic():
            noise = _predict(student, earlier, times[before], hidden[own], mask[own])
        x[own] = renoise(estimate(earlier, noise, times[before]), times[which[own]], generator)
    return x, times[which]


def _predict(student: unet.Denoiser, x: Tensor, t: Tensor, hidden: Tensor, mask: Tensor) -> Tensor:
    noise: Tensor = student(x, t, hidden, mask, torch.zeros(len(x), dtype=torch.bool))
    return noise


def exact_output(student: unet.Denoiser) -> None:
    """Keeps the last convolution in float32 under autocast: at t = 979 an error of the noise counts 30 times in x0."""
    last = student.unet.conv_out

    def forward(h: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return F.conv2d(h.float(), last.weight, last.bias, padding=1)

    last.forward = forward


@torch.inference_mode()
def cache_large(out: Path, seed: int) -> Tensor:
    """Latents fp16 [LARGE_PICTURES, 4, 32, 32] of pictures twice the world's size, made once."""
    path = out / "trajectories" / "large" / "latents.pt"
    known = load(path)
    if known is None:
        codec, first, parts = movq.trained(out), seed * 10_000_000 + LARGE_FIRST, []
        for start in range(first, first + LARGE_PICTURES, 16):
            drawn = [np.array(draw(practice_scene(start + i), 2)) for i in range(16)]
            images = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2)
            parts.append(movq.encode(codec, images).half())
        known = {"latents": torch.cat(parts)}
        save(path, known)
    return known["latents"]  # type: ignore[return-value]


def wordless(tokenizer: T5Tokenizer, encoder: T5EncoderModel) -> Tensor:
    """Encoding of the refiner's text: none, and a row of padding."""
    return encode(encoder, [(*tokenize(tokenizer, "").ids, UNSEEN_PAD)])[0].clone()


def refining_loss(student: unet.Denoiser, clean: Tensor, nothing: Tensor, generator: torch.Generator) -> Tensor:
    """How far the last of Flash's steps leads from large clean latents [B, 4, h, w], in the refiner's context."""
    t = torch.full((len(clean),), FLASH_TIMES[-1])
    (context,) = contexts_by_rule("refiner", student.projection, None, [nothing])
    rows, mask = (part.repeat(len(clean), 1, *[1] * (part.dim() - 2)) for part in (context.rows, context.mask))
    x = renoise(clean, t, generator)
    with quick_arithmetic():
        noise = predict_noise(student.unet, x, t, rows, mask, context.pool_len.repeat(len(clean)))
    return F.huber_loss(estimate(x, noise, t), clean, delta=HUBER)


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    """Makes what trajectories are missing, then trains; leaves `flash.pt`.

    Every few steps the student learns, besides, to be what enlarging has as its refiner.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    student, tokenizer, encoder = unet.trained(out)
    squares = Trajectories(out, seed, TRAJECTORIES, SQUARE, BATCH, generator)
    oblong = [Trajectories(out, seed, OBLONG, size, OBLONG_BATCH, generator) for size in (WIDE, TALL)]
    large, nothing = cache_large(out, seed), wordless(tokenizer, encoder)
    unet.prepare(student).train()
    exact_output(student)
    refined = batches(len(large), LARGE_BATCH, generator)

    def loss_of(step: int) -> Tensor:
        turn = step % REFINING
        if turn == 0:
            return refining_loss(student, large[next(refined)].float(), nothing, generator)
        truth, rows, attended = (oblong[step // REFINING % len(oblong)] if turn == 1 else squares).batch()
        x, t = _inputs(student, truth, rows, attended, generator)
        with quick_arithmetic():
            noise = _predict(student, x, t, rows, attended)
        return F.huber_loss(estimate(x, noise, t), truth[:, -1], delta=HUBER)

    fit(student, loss_of, out, "flash", minutes, peak=RATE, resume=resume)
