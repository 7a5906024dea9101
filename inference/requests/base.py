"""What every request states of itself, and the parts that many are made of.

A request is its own price list: whoever queues, times or shows one asks it, and knows no kind by name.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Self

from pydantic import field_validator, model_validator

from inference.requests.fields import (
    MAX_AREA,
    SIDE_STEP,
    Contract,
    Guidance,
    Prompt,
    Seeds,
    Share,
    Side,
    Source,
    Steps,
)

NegativeMode = Literal["sane", "official"]


class Price(NamedTuple):
    """What a megapixel takes in a pass of the heavy net and once a picture, from and to pixels; a pass of the released
    U-Net is 1. Only ratios: how fast a machine is, it finds out by itself."""

    a_pass: float = 1.0
    developing: float = 10.0  # MoVQ's decoder: 30 TFLOP a megapixel where a pass has 3.2


class Ground(NamedTuple):
    """What the shortest request of a kind is made of: words, the size at which the net is at its best, and pictures
    that are there: `picture(width, height)` of any size, `mask` a digest over one of that size."""

    words: str
    size: tuple[int, int]
    picture: Callable[[int, int], Source]
    mask: str


class Request(Contract):
    """What a person asked for. A job is a pure function of it.

    A subclass declares `kind`, a Literal of all the kinds it stands for, and `seeds`, one a picture, in the place among
    its fields where stored JSON has them.
    """

    if TYPE_CHECKING:
        kind: str

        @property
        def seeds(self) -> Seeds: ...

    PRICES: ClassVar[Mapping[str, Price]] = {}  # by kind, where it is not the usual one

    @classmethod
    def shortest(cls, kind: str, given: Ground) -> Self | None:
        """A request of that kind that a device can be timed by; None where none is short."""
        return None

    @property
    @abstractmethod
    def passes(self) -> int:
        """Passes through the heavy net for one picture (one window of it), the two halves of guidance counted apart."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of what it makes; (0, 0) for text."""

    @property
    def pass_size(self) -> tuple[int, int]:
        """Width and height in pixels of what one pass sees."""
        return self.size

    def alone(self, tile: int) -> Request:
        """The request for one of its pictures."""
        return self.only((tile,))

    def only(self, tiles: Sequence[int]) -> Self:
        """The request for some of its pictures."""
        return self.model_copy(update={"seeds": tuple(self.seeds[tile] for tile in tiles)})

    def in_recipe(self, tile: int) -> tuple[Request, int]:
        """The request that the recipe of one of its pictures tells, and which one it is of that."""
        return self, tile

    def with_seeds(self, seeds: tuple[int, ...]) -> Self:
        """The same with other seeds, one for each picture."""
        return self.model_copy(update={"seeds": seeds})

    def said(self, name: str) -> str | None:
        """The words in one of its fields (`prompt`, `negative_prompt`), None where it has no such field."""
        words: str | None = getattr(self, name, None)
        return words

    def saying(self, name: str, text: str) -> Self:
        """The same with this text in the place of `said(name)`."""
        return self.model_copy(update={name: text})

    @property
    def windows(self) -> int:
        """Windows that the work is cut into: more than one only where the net cannot see all of it at once."""
        return 1

    @property
    def words(self) -> str:
        """What a person wrote for it, "" where it takes none."""
        return ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Digests of the blobs that it works from."""
        return ()

    @property
    def pictures(self) -> tuple[str, ...]:
        """Those of its sources that are pictures somebody may own."""
        return self.sources

    @property
    def needs(self) -> tuple[str, ...]:
        """The kinds whose weights it takes, first the one that draws it."""
        return (self.kind,)

    @property
    def cost(self) -> float:
        """Its work in megapixel passes: pictures x passes x megapixels, twice that with guidance."""
        return len(self.seeds) * self.passes * (self.windows * math.prod(self.pass_size)) / 1e6

    @property
    def developed(self) -> float:
        """Megapixels that are decoded for it, and written."""
        return len(self.seeds) * (self.windows * math.prod(self.pass_size)) / 1e6

    @property
    def drawings(self) -> int:
        """How many drawings it is: more than one only where its pictures are begun one after the other, each anew."""
        return 1

    @property
    def compatibility_key(self) -> str:
        """Requests with equal keys may share a pass: same net, same size, so sizes that no pass ever has, such as those
        of whole panoramas, do not count. Begins with the kind."""
        width, height = self.pass_size
        return f"{self.kind}:{width}x{height}"


class Worded(Request):
    """Takes words."""

    prompt: Prompt
    seeds: Seeds

    @property
    def words(self) -> str:
        return self.prompt


class Sized(Worded):
    """Draws on a canvas of the model's own sizes."""

    width: Side = 1024
    height: Side = 1024

    @field_validator("width", "height")
    @classmethod
    def _multiple_of_64(cls, side: int) -> int:
        if side % SIDE_STEP:
            lower = max(SIDE_STEP, side // SIDE_STEP * SIDE_STEP)
            raise ValueError(f"must be a multiple of {SIDE_STEP}; the nearest are {lower} and {lower + SIDE_STEP}")
        return side

    @model_validator(mode="after")
    def _bounded_area(self) -> Self:
        if self.width * self.height > MAX_AREA:
            raise ValueError(f"width x height must not exceed {MAX_AREA} pixels")
        return self

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


class Guided(Contract):
    """Classifier-free guidance, e = (w + 1)·e_cond - w·e_uncond.

    `negative_mode` is "official" to tokenise the negative prompt exactly as the published code does (cut to the
    prompt's length, the prompt's mask), "sane" to give it its own length and mask.
    """

    negative_prompt: Prompt = ""
    negative_mode: NegativeMode = "sane"
    steps: Steps = 50
    guidance_scale: Guidance = 3.0
    eta: Share = 1.0

    @property
    def sampled_steps(self) -> int:
        """Steps that the sampler takes: evenly spaced ones out of a thousand, so sometimes fewer than `steps`."""
        return math.ceil(999 / math.ceil(1000 / self.steps))

    @property
    def passes(self) -> int:
        return self.sampled_steps * (2 if self.guidance_scale > 0 else 1)
