"""Sentences to try a checkpoint with: always the same ones, of scenes and in words that training has not met."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any

from inference.families.kandinsky.files.store import Files
from inference.nano import inpainting, text, unet
from inference.nano.captions import caption
from inference.nano.meaning import plain_caption
from inference.nano.world import Scene, practice_scene, sample_scene

FIRST_SEED = 900_000_000  # far from any training scene
TRAINING_SEED = 1
ONCE_PRACTISED_PAIRS = 0.45
DRAWS = 1000  # of captions for each training picture of the same content; training drew about a hundred
WANTED = {
    "single": {"shape1", "colour1", "background", "position"},
    "count": {"shape1", "colour1", "background"},
    "pair": {"shape1", "colour1", "shape2", "colour2", "background"},
}


@dataclass(frozen=True)
class Question:
    """A sentence, the scene that it describes and the seed to draw it with."""

    prompt: str
    scene: Scene
    language: str
    seed: int


def full_caption(scene: Scene, language: str, rng: random.Random) -> str:
    """A caption that names everything that is measured, or "" where twenty attempts gave none.

    A single object in the middle need not say so, because that is what silence means in this world.
    """
    wanted = set(WANTED[scene.kind])
    if scene.position == "centre":
        wanted.discard("position")
    for _ in range(20):
        prompt, named = caption(scene, language, rng)
        if wanted <= named.keys():
            return prompt
    return ""


class Examiner:
    """Asks what nobody has learnt by heart. `passed_over` counts the sentences left out because training has them.

    There are three kinds of captions to know. Those that the text encoder read are made again, all of them. Plain ones,
    which the Flash student and the reading of people are taught by, are known whatever they say. Every other net draws
    captions of the same few thousand pictures over and over: a sentence counts as known where one of many fresh
    captions of a picture with the same content reads the same. The sentences of people, by the million, that reading
    has learnt from are not compared: hardly one is such a caption.
    """

    def __init__(self, files: Files) -> None:
        trained: dict[str, Any] = files.manifest.get("trained", {})
        self._steps = int(trained.get("text", {}).get("steps", 0))
        self.passed_over = 0

    @property
    def compared(self) -> int:
        """How many different captions it knows to have been read."""
        return len(_read_in_training(self._steps))

    def questions(self, kind: str, language: str, count: int) -> list[Question]:
        """`count` sentences about unseen flat scenes of a kind that name everything that is measured."""
        found: list[Question] = []
        for seed in range(FIRST_SEED, FIRST_SEED + 200 * count):
            if len(found) == count:
                break
            rng, scene = random.Random(seed), sample_scene(seed, kind)
            if scene.style != "flat":
                continue
            prompt = full_caption(scene, language, rng)
            if prompt and not self._counted(prompt, scene, language):
                found.append(Question(prompt, scene, language, seed % 2**31))
        return found

    def _counted(self, prompt: str, scene: Scene, language: str) -> bool:
        known = self.known(prompt, scene, language)
        self.passed_over += known
        return known

    def known(self, prompt: str, scene: Scene, language: str) -> bool:
        """Whether training may have read this very sentence."""
        if prompt.lower() in _read_in_training(self._steps) or prompt.lower() in _plainly(scene):
            return True
        rng = random.Random(prompt)
        return any(
            caption(one, language, rng)[0].lower() == prompt.lower()
            for one in _drawn_in_training().get(_content(scene), ())
            for _ in range(DRAWS)
        )

    def familiar(self, scene: Scene) -> bool:
        """Whether a training picture has the same objects, colours and ground."""
        return _content(scene) in _drawn_in_training()


def _content(scene: Scene) -> Scene:
    """What full captions always name."""
    return Scene(scene.kind, 0, scene.things, count=scene.count, pairing=scene.pairing, background=scene.background)


@lru_cache(maxsize=2)
def _read_in_training(steps: int) -> frozenset[str]:
    """Lower-cased captions of the text encoder's batches."""
    first = TRAINING_SEED * 10_000_000
    read = set[str]()
    for step in range(steps):
        read.update(line.lower() for line in text.examples(first + step * text.BATCH, text.BATCH, text.PAIRS)[0])
    return frozenset(read)


def _plainly(scene: Scene) -> set[str]:
    """The plain captions of a flat scene, lower-cased, with and without what may be left unsaid."""
    things = {f"{what}{number}": getattr(thing, what) for number, thing in enumerate(scene.things, 1)
              for what in ("shape", "colour")}  # fmt: skip
    told = {"kind": scene.kind, **things, "background": scene.background, "pairing": scene.pairing}
    told |= {"count": str(scene.count)} if scene.kind == "count" else {}
    open_ = [("position", scene.position), ("size", scene.size)] if scene.kind == "single" else []
    return {
        plain_caption({**told, **dict(said)}).lower() for n in range(len(open_) + 1) for said in combinations(open_, n)
    }


@lru_cache(maxsize=1)
def _drawn_in_training() -> dict[Scene, tuple[Scene, ...]]:
    """What the pictures show that the drawing nets learn from, by content."""
    found: dict[Scene, dict[Scene, None]] = defaultdict(dict)
    for scene in _pictured():
        found[_content(scene)][replace(scene, seed=0)] = None
    return {content: tuple(scenes) for content, scenes in found.items()}


def _pictured() -> Iterator[Scene]:
    first = TRAINING_SEED * 10_000_000
    for scene_of in (sample_scene, _once_practised, practice_scene):
        yield from (scene_of(first + i) for i in range(unet.PICTURES))
    yield from (inpainting.example(first + i).scene for i in range(inpainting.PICTURES))


def _once_practised(seed: int) -> Scene:
    """What the shipped base was trained on for its last hours: pairs, and one single thing in fifty pictures."""
    return sample_scene(seed, "pair" if random.Random(seed).random() < ONCE_PRACTISED_PAIRS else None)
