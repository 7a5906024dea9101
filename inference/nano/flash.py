"""Training of the Flash student: four steps without guidance that land where the guided teacher lands in nine.

The teacher runs deterministically from noise to a picture; the student learns to say the end point from the states at
Flash's four times. In use every later state is made from the student's own, slightly blurred estimate, so a part of the
batch is made that way too: the student sees what it will be shown.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import T5EncoderModel, T5Tokenizer

from inference.nano import text, unet
from inference.nano.captions import LANGUAGES, caption
from inference.nano.training import Average, Budget, Diary, batches, load, rate, save
from inference.nano.world import sample_scene
from inference.sampling import FLASH_TIMES, alphas_cumprod, guided_epsilon, threshold

TEACHER_TIMES = (979, 854, 729, 604, 479, 354, 229, 146, 62)
GUIDANCE = 3.0
TRAJECTORIES = 3072
FIRST = 5_000_000  # of their scenes, from where those of the base begin
LENGTH = 40  # tokens kept of a caption; the longest has fewer
BATCH = 64
RATE = 6e-4
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
        with torch.autocast("cpu", torch.bfloat16):
            noise = teacher(torch.cat([x, x]), torch.full((2 * n,), t), twice_hidden, twice_mask, dropped)
        cond, uncond = noise.float().chunk(2)
        x0 = threshold(estimate(x, guided_epsilon(cond, uncond, GUIDANCE), t))
        if following is not None:
            eps = (x - _alpha(t).sqrt() * x0) / (1 - _alpha(t)).sqrt()
            x = _alpha(following).sqrt() * x0 + (1 - _alpha(following)).sqrt() * eps
    return torch.stack([*kept, x0], dim=1)


def _sentences(tokenizer: T5Tokenizer, encoder: T5EncoderModel, first: int, count: int) -> tuple[Tensor, Tensor]:
    """Hidden states fp16 [count, LENGTH, C] and mask of one caption each of the scenes first .. first + count - 1."""
    lines = []
    for seed in range(first, first + count):
        rng = random.Random(seed)
        lines.append(caption(sample_scene(seed), rng.choice(LANGUAGES), rng)[0])
    ids, mask = text.tokenize(tokenizer, lines)
    with torch.inference_mode():
        hidden = encoder(ids, attention_mask=mask).last_hidden_state
    room = LENGTH - ids.shape[1]
    return F.pad(hidden, (0, 0, 0, room)).half(), F.pad(mask, (0, room))


def cache_trajectories(out: Path, seed: int, start: int, count: int) -> Path:
    """Runs the teacher on `count` captions once; returns the file with states, hidden states and masks."""
    path = out / "trajectories" / f"{start}.pt"
    if path.exists():
        return path
    teacher, tokenizer, encoder = unet.trained(out)
    unet.prepare(teacher)
    generator, parts = torch.Generator().manual_seed(seed + start), []
    for i in range(0, count, 64):
        hidden, mask = _sentences(tokenizer, encoder, seed * 10_000_000 + FIRST + start + i, 64)
        longest = int(mask.sum(1).max())
        x = torch.randn(64, 4, 16, 16, generator=generator)
        states = trajectory(teacher, hidden[:, :longest].float(), mask[:, :longest], x)
        parts.append((states.half(), hidden, mask.to(torch.uint8)))
    states, hidden, mask = (torch.cat(column).clone() for column in zip(*parts, strict=True))
    save(path, {"states": states, "hidden": hidden, "mask": mask})
    return path


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
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
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


def train(out: Path, minutes: float, seed: int, resume: bool, every: float = 3.0) -> None:
    """Makes what trajectories are missing, then trains; leaves `flash.pt` (averaged weights) in `out`."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    student, _, _ = unet.trained(out)
    saved = load(out / "flash.pt") if resume else None
    budget = Budget(minutes, float(saved["minutes"]) if saved else 0.0)  # type: ignore[arg-type]
    diary = Diary(out / "flash.log", budget)
    for start in range(0, TRAJECTORIES, 512):
        cache_trajectories(out, seed, start, 512)
    parts = [load(path) for path in sorted((out / "trajectories").glob("*.pt"))]
    states, hidden, mask = (torch.cat([p[name] for p in parts if p]) for name in ("states", "hidden", "mask"))  # type: ignore
    if saved:
        student.load_state_dict(saved["model"])  # type: ignore[arg-type]
    unet.prepare(student).train()
    exact_output(student)
    optimizer = torch.optim.AdamW(student.parameters(), RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    average, order, losses = Average(student, 0.998), batches(len(states), BATCH, generator), []
    step, kept, started = int(saved["step"]) if saved else 0, budget.spent, budget.share  # type: ignore[call-overload]
    diary.write(part="flash", trajectories=len(states))
    while budget.share < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * rate((budget.share - started) / (1 - started), 0.3)
        chosen = next(order)
        attended = mask[chosen].long()
        longest = int(attended.sum(1).max())
        attended, rows, truth = attended[:, :longest], hidden[chosen][:, :longest].float(), states[chosen].float()
        x, t = _inputs(student, truth, rows, attended, generator)
        with torch.autocast("cpu", torch.bfloat16):
            noise = _predict(student, x, t, rows, attended)
        loss = F.huber_loss(estimate(x, noise, t), truth[:, -1], delta=0.3)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        average.update(student)
        losses.append(loss.item())
        step += 1
        if step % 50 == 0:
            diary.write(step=step, loss=sum(losses) / len(losses))
            losses = []
        if budget.spent - kept > every:
            kept = budget.spent
            save(out / "flash.pt", {"model": average.shadow, "step": step, "minutes": budget.spent})
    save(out / "flash.pt", {"model": average.shadow, "step": step, "minutes": budget.spent})
    diary.write(step=step, done="flash")
