"""What every part's training shares: a budget in core time, schedules, running averages, checkpoints that resume."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn


@dataclass
class Budget:
    """Core minutes of this process, so that a shared machine trains as much as an idle one."""

    minutes: float
    spent_before: float = 0.0
    started: float = field(default_factory=time.process_time)

    @property
    def spent(self) -> float:
        """Minutes used so far, earlier runs included."""
        return self.spent_before + (time.process_time() - self.started) / 60

    @property
    def share(self) -> float:
        """Part of the budget that is gone, 0..1."""
        return min(1.0, self.spent / self.minutes)


def rate(share: float, hold: float, warm: float = 0.01) -> float:
    """Learning-rate factor: a short warm-up, flat until `hold`, then half a cosine down to 2 %."""
    if share < warm:
        return max(0.02, share / warm)
    if share < hold:
        return 1.0
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (share - hold) / (1 - hold)))


def quick_arithmetic() -> torch.autocast:
    """bfloat16 where the processor reckons in it; where it would only pretend to, float32 is up to 40 times faster."""
    native: bool = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.autocast("cpu", torch.bfloat16, enabled=native)


class Average:
    """Exponential moving average of a module's parameters (biased towards the newest in the first steps)."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.shadow = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Takes the module's present weights in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.shadow.values()), list(module.state_dict().values()), 1 - decay)


class Diary:
    """Prints a line and keeps it in a log file, with the core time it was written at."""

    def __init__(self, path: Path, budget: Budget) -> None:
        self.path, self.budget = path, budget
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, **values: float | str) -> None:
        """One JSON line; floats are rounded to five digits."""
        rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in values.items()}
        line = json.dumps({"minutes": round(self.budget.spent, 2), **rounded}, ensure_ascii=False)
        print(line, flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def save(path: Path, state: dict[str, object]) -> None:
    """Writes a training state so that a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


def load(path: Path) -> dict[str, object] | None:
    """A training state written by `save`, or None where there is none."""
    if not path.exists():
        return None
    state: dict[str, object] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def fit(
    model: nn.Module,
    loss_of: Callable[[int], Tensor],
    out: Path,
    part: str,
    minutes: float,
    *,
    peak: float,
    resume: bool = False,
    hold: float = 0.3,
    decay: float = 0.998,
    every: float = 3.0,
) -> None:
    """Trains what of `model` asks for gradients by `loss_of(step)` for `minutes` of core time in all.

    Leaves the averaged weights in `<part>.pt` and what it takes to go on in `<part>_state.pt`; without the latter it
    goes on from the former. Going on, what does not learn, or has been added since, stays as it is in `model`.
    """
    state = (load(out / f"{part}_state.pt") or load(out / f"{part}.pt")) if resume else None
    budget = Budget(minutes, float(state["minutes"]) if state else 0.0)  # type: ignore[arg-type]
    diary = Diary(out / f"{part}.log", budget)
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    learning = list(named.values())
    optimizer = torch.optim.AdamW(learning, peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    step, losses, kept, started = 0, [], budget.spent, budget.share
    if state:
        learnt: Mapping[str, Tensor] = state["model"]  # type: ignore[assignment]
        model.load_state_dict({name: learnt[name] for name in named if name in learnt}, strict=False)
        step = int(state["step"])  # type: ignore[call-overload]
    average = Average(model, decay)
    if state and "optimizer" in state:
        optimizer.load_state_dict(state["optimizer"])  # type: ignore[arg-type]
        averaged: Mapping[str, Tensor] = state["average"]  # type: ignore[assignment]
        average.shadow |= {name: averaged[name] for name in named}
        average.steps = step
    diary.write(part=part, parameters=sum(parameter.numel() for parameter in learning))

    def keep() -> None:
        spent = {"step": step, "minutes": budget.spent}
        whole = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average.shadow}
        save(out / f"{part}_state.pt", {**whole, **spent})
        save(out / f"{part}.pt", {"model": average.shadow, **spent})

    while budget.share < 1:
        for group in optimizer.param_groups:
            group["lr"] = peak * rate((budget.share - started) / (1 - started), hold)
        loss = loss_of(step)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        average.update(model)
        losses.append(loss.item())
        step += 1
        if step % 100 == 0:
            diary.write(step=step, loss=sum(losses) / len(losses))
            losses = []
        if budget.spent - kept > every:
            kept = budget.spent
            keep()
    keep()
    diary.write(step=step, done=part)


def batches(total: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Endless index batches [size]; every item is seen once before any is seen again."""
    while True:
        order = torch.randperm(total, generator=generator)
        for start in range(0, total - size + 1, size):
            yield order[start : start + size]


class _ContiguousGradient(torch.autograd.Function):
    """Identity whose gradient is laid out row by row."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        return grad.contiguous()


def hasten_norms(module: nn.Module) -> None:
    """Feeds every GroupNorm contiguous tensors, both ways: on a CPU its backward is ten times slower otherwise."""
    for norm in module.modules():
        if isinstance(norm, nn.GroupNorm):
            norm.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
            norm.register_forward_hook(lambda _, __, output: _ContiguousGradient.apply(output))  # type: ignore[no-untyped-call]
