"""The whole engine on a pretended card, and what the CPU makes of the same requests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inference.engine.device import prepare
from inference.engine.kit import PipelineSpec
from inference.engine.loop import Drawn
from inference.engine.nets import Nets
from inference.engine.policy import DevicePolicy, device_policy
from inference.families.kandinsky import pipelines
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.formats import formats_of
from inference.families.kandinsky.inventory import net_specs
from inference.families.kandinsky.pipelines.enlarging import Frames
from inference.families.kandinsky.pipelines.upscale import Plan, upscale, upscale_steps
from inference.families.language.files import LanguageModels
from inference.requests import AnyRequest, Note, Upscale
from tests.inference import random_checkpoint, tiny
from tests.inference.engine.fakes import engine_of
from tests.inference.engine.kinds import AllKinds, language
from tests.inference.pretended.card import Cards
from tests.inference.pretended.rules import Ruled

FLOAT32 = {"unet": "float32", "text": "float32", "movq": "float32", "superres": "float32"}
STEPS = frozenset({"denoise", "enlarge", "write"})


@dataclass(frozen=True)
class Weights:
    """A folder of small random nets for every kind, language models beside it, and nets that were read already."""

    folder: Path
    models: LanguageModels
    read: dict[object, nn.Module]


def write_weights(folder: Path) -> Weights:
    """U-Nets have two levels instead of four: half the operators, all of them of the same kinds."""
    shallow = {**tiny.UNET, "block_out_channels": [16, 16]}
    with pytest.MonkeyPatch.context() as patched:
        for module in (tiny, random_checkpoint):
            patched.setattr(module, "UNET", shallow)
        random_checkpoint.write_random_checkpoint(folder / "nets")
    (folder / "language").mkdir()
    return Weights(folder / "nets", language(folder / "language"), {})


class ReadOnce(Nets):
    """Nets that go to RAM are read from disk once a format, and lie there as they do for `policy`."""

    def __init__(self, weights: Weights, policy: DevicePolicy, device: torch.device, **options: Any) -> None:
        super().__init__(device, **options)
        self._weights, self._policy = weights, policy
        checkpoint = Checkpoint.open(weights.folder)
        self._laid_out = {spec.name: spec for spec in net_specs(checkpoint, policy)}

    def _load(self, name: str, device: torch.device) -> nn.Module:
        if device.type != "cpu" or name not in self._laid_out:
            return super()._load(name, device)
        policy = self._policy
        key = (name, policy.device.type, formats_of(policy))
        if key not in self._weights.read:
            self._weights.read[key] = self._laid_out[name].load(device)
        return copy.deepcopy(self._weights.read[key])


class Studio(AllKinds):
    """The real kits on the device of their policy."""

    def __init__(self, weights: Weights, policy: DevicePolicy, like_a_card: bool = False, **options: Any) -> None:
        # Nets lie in memory as they do for a card, so that the CPU's answer is the card's to the last bit.
        laid_out = replace(policy, device=torch.device("cuda")) if like_a_card else policy
        nets = ReadOnce(weights, laid_out, policy.device, **options)
        super().__init__(weights.folder, weights.models, policy, nets)
        self.policy = policy


def on_cpu(weights: Weights, like: DevicePolicy, *, by_rules: bool) -> Studio:
    """The kit on the CPU in the formats of `like`."""
    cpu = torch.device("cpu")
    formats = asdict(formats_of(like))
    return Studio(weights, replace(like, device=cpu, large_device=cpu, chosen=formats), like_a_card=by_rules)


class Clock:
    """Two seconds a look, so that every preview is due."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 2
        return self.now


@dataclass(frozen=True)
class Made:
    """What came of the requests; `waits` are the places where the host waited in steps, but for the first."""

    pictures: tuple[Tensor, ...]
    texts: tuple[str, ...]
    notes: tuple[Note, ...]
    waits: frozenset[str]
    previews: int


def draw(kit: Studio, *requests: AnyRequest, cards: Cards | None = None, previews: bool = True) -> Made:
    """The requests drawn side by side. Raises AssertionError for one that came to nothing."""
    engine = engine_of(kit, max_rows=kit.policy.max_rows, previews=previews, clock=Clock())
    for job_id, request in enumerate(requests):
        engine.add(job_id, request)
    drawn: dict[int, Drawn] = {}
    waits: set[str] = set()
    looks, stepped = 0, False
    while len(engine):
        kit.rows.clear()
        before = 0 if cards is None else len(cards.waits)
        for job_id, event in engine.turn():
            looks += getattr(event, "preview", None) is not None
            if not hasattr(event, "preview"):
                assert isinstance(event, Drawn), event
                drawn[job_id] = event
        step = any(name in STEPS for name, _ in kit.rows)
        if step and stepped and cards is not None:
            waits |= {wait.place for wait in cards.waits[before:]}
        stepped |= step
    ended = [drawn[job_id].drawing for job_id in range(len(requests))]
    return Made(
        pictures=tuple(picture for drawing in ended for picture in drawing.pictures),
        texts=tuple(text for drawing in ended for text in drawing.texts),
        notes=tuple(note for drawing in ended for note in drawing.notes),
        waits=frozenset(waits),
        previews=looks,
    )


def draw_by_rules(kit: Studio, *requests: AnyRequest) -> Made:
    """The same by the CPU under the rules of a card whose float32 convolutions are exact."""
    with torch.backends.cudnn.flags(allow_tf32=False), Ruled():
        return draw(kit, *requests)


def faults(made: Made, expected: Made, *, within: float = 0.0) -> list[str]:
    """What is wrong with pictures that should be `expected`, in levels of brightness on the mean; none is well."""
    if len(made.pictures) != len(expected.pictures) or made.texts != expected.texts:
        return [f"{len(made.pictures)} pictures, texts {made.texts} instead of {expected.texts}"]
    found = []
    for number, (picture, wanted) in enumerate(zip(made.pictures, expected.pictures, strict=True)):
        if picture.device.type != "cpu" or type(picture) is not Tensor:
            found.append(f"picture {number} is not at home but on {picture.device}")
        elif (apart := (picture.float() - wanted.float()).abs().mean().item()) > within:
            found.append(f"picture {number} is {apart:.3f} levels off")
    return found


@contextmanager
def studio(
    weights: Weights, cards: Cards, device: str = "cuda:0", formats: dict[str, str] | None = None, **options: Any
) -> Iterator[Studio]:
    """The engine's kit on one of `cards`, prepared as the engine's process does it."""
    with cards:
        policy = device_policy(device, formats)
        prepare(policy.device)
        yield Studio(weights, policy, **options)


def small_windows(patched: pytest.MonkeyPatch) -> None:
    """Windows of super-resolution of 64 pixels instead of 1024."""
    plan = Plan(frames=Frames(window=64, stride=48))
    spec = PipelineSpec(partial(upscale, plan=plan), partial(upscale_steps, plan=plan))
    patched.setitem(pipelines.PIPELINES, Upscale, spec)
