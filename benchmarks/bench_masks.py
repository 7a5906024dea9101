"""How much of what was painted over a picture is found again, in intersection over union; and how long that takes.

What is missed, 1 - IoU, stands beside what a plain difference above a fixed threshold misses. The other side: how many
of 500 pairs of which none is painted over are guessed to be, and how many of the paintings are guessed by nobody.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmarks.harness import Row, compare
from benchmarks.paintings import COLOURS, SHAPES, Mask, intersection_over_union, paint, photograph, sent
from benchmarks.pairs import judged
from bot.imaging.alignment import MaskError
from bot.imaging.likeness import painted_over, shaped_alike
from bot.imaging.masks import painted_area
from bot.imaging.signature import signature

BRUSHES = (0.012, 0.03, 0.06)  # of the shorter side
QUALITIES = (60, 75, 85, 95)
SCALES = (0.5, 0.75, 1.0, 1.5, 2.0)
PICTURES = 8
CASES = 72
MEDIAN = 0.9
MOST_WRONG = 0.5  # per cent of pairs
MOST_UNGUESSED = 2.0  # per cent of paintings


@dataclass(frozen=True)
class Case:
    shape: str
    brush: float
    colour: str
    quality: int
    scale: float
    seed: int

    def painting(self, side: int) -> tuple[Image.Image, Image.Image, Mask]:
        """The picture, the painted copy as it comes back, and what is meant."""
        picture = photograph(self.seed % PICTURES, (side, side))
        painted, meant = paint(picture, SHAPES[self.shape](self.brush, COLOURS[self.colour], self.seed))
        return picture, sent(painted, scale=self.scale, quality=self.quality), meant


def cases(count: int, seed: int = 1) -> list[Case]:
    """A sample of all combinations, every shape and every brush in it equally often."""
    chance = random.Random(seed)
    kinds = itertools.cycle(itertools.product(SHAPES, BRUSHES))
    return [
        Case(
            shape,
            brush,
            chance.choice(list(COLOURS)),
            chance.choice(QUALITIES),
            chance.choice(SCALES),
            chance.randrange(10**6),
        )
        for shape, brush in itertools.islice(kinds, count)
    ]


def found(picture: Image.Image, copy: Image.Image, meant: Mask) -> float:
    """Intersection over union; nothing where the painting was not understood."""
    try:
        return intersection_over_union(painted_area(picture, copy), meant)
    except MaskError:
        return 0.0


def thresholded(picture: Image.Image, copy: Image.Image, meant: Mask) -> float:
    """The same for a plain difference above 30 of 255."""
    resized = copy.resize(picture.size, Image.Resampling.BICUBIC)
    difference = np.abs(np.asarray(resized, np.int16) - np.asarray(picture, np.int16)).max(axis=-1)
    return intersection_over_union(difference > 30, meant)


def measured(count: int = CASES, side: int = 1024) -> list[tuple[Case, float, float]]:
    """For each case what we find and what the plain difference finds, in intersection over union."""
    return [
        (case, found(*painting), thresholded(*painting)) for case in cases(count) for painting in [case.painting(side)]
    ]


def guessed(picture: Image.Image, copy: Image.Image) -> bool:
    """Whether a copy is taken for a painted one without a word: as `bot.modes.repaint.painted` does."""
    return shaped_alike(picture.size, copy.size) and painted_over(signature(picture), signature(copy))


def _share(case: str, wrong: int, of: int, most: float) -> Row:
    """A row of what is judged wrongly, in per cent of so many; for the ratio none counts as one."""
    ratio = most / (100 * max(wrong, 1) / of)
    return Row("masks", case, 100 * wrong / of, "allowed", most, ratio, ratio, ratio, target=1.0, unit=f"% of {of}")


def _missed(case: str, shares: Sequence[float], baseline_name: str, baseline: float, target: float | None) -> Row:
    """A row of what is missed, in per cent: the median; the range is that of the quartiles."""
    missed = [max(1e-3, 100 * (1 - share)) for share in shares]
    low, median, high = statistics.quantiles(missed, n=4, method="inclusive")
    ratios = (baseline / median, baseline / high, baseline / low)
    return Row("masks", case, median, baseline_name, baseline, *ratios, target=target, unit="% missed")


def main() -> None:
    scores = measured()
    allowed = 100 * (1 - MEDIAN)
    rows = [_missed("all paintings, 1 - IoU", [ours for _, ours, _ in scores], "allowed", allowed, target=1.0)]
    for shape in SHAPES:
        these = [score for score in scores if score[0].shape == shape]
        plain = 100 * (1 - statistics.median(other for _, _, other in these))
        rows.append(_missed(shape, [ours for _, ours, _ in these], "plain difference", plain, target=None))
    verdicts = list(judged(guessed))
    wrong, of = sum(len(one.wrong) for one in verdicts), sum(one.pairs for one in verdicts)
    rows.append(_share("not painted, taken for paint", wrong, of, MOST_WRONG))
    paintings = [case.painting(1024) for case in cases(CASES)]
    unguessed = sum(not guessed(picture, copy) for picture, copy, _meant in paintings)
    rows.append(_share("painted, not guessed without a word", unguessed, len(paintings), MOST_UNGUESSED))
    picture, copy, meant = paintings[0]
    rows.append(
        compare(
            "masks", "time, 1024 x 1024",
            lambda: found(picture, copy, meant), lambda: thresholded(picture, copy, meant),
            baseline_name="plain difference", runs=1, repeats=3,
        )
    )  # fmt: skip
    for row in rows:
        print(json.dumps(row.as_json()))


if __name__ == "__main__":
    main()
