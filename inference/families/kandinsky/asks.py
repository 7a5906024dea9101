"""What a pipeline of Kandinsky may ask of the heavy nets, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

from torch import Tensor

from inference.engine.asks import Ask
from inference.engine.asks import Tools as AnyTools
from inference.families.kandinsky.conditioning import Context, TextRule, TokenIds, Tokens
from inference.families.kandinsky.files.catalogue import Net, UNet
from inference.requests import Stage


class _Reading(Ask):
    """Looks at words or pictures, which takes a moment."""

    __slots__ = ()

    @property
    def reading(self) -> bool:
        return True

    @property
    def stage(self) -> Stage:
        return "looking"


@dataclass(frozen=True, slots=True)
class Encode(_Reading):
    """Texts into contexts for a U-Net; None among them stands for no text: that net's learnt null embedding, or what
    `rule` puts in its place. `rule` is how the published pipeline of that net treats its texts.

    The prompt comes first, then what guidance leads away from; `whole_negatives` keeps the latter from being cut to the
    prompt's length. Answer: a tuple of contexts of one row each, in the order of `texts`, as `contexts_by_rule` makes
    them.
    """

    unet: UNet
    texts: tuple[TokenIds | None, ...]
    rule: TextRule = "kandinsky31"
    whole_negatives: bool = True

    @property
    def nets(self) -> tuple[str, ...]:
        return ("text_encoder", self.unet)

    @property
    def key(self) -> object:
        return "texts"

    @property
    def stage(self) -> Stage:
        return "encoding"


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Outlines or depth to hold to: `hint` [1, 3, 8h, 8w] for a ControlNet, its residuals times `scale`.

    With `net` None the hint goes into the stem of the U-Net itself (HED).
    """

    net: Net | None
    hint: Tensor
    scale: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Denoise(Ask):
    """One pass of a U-Net over the pictures `x` [B, 4 or 9, h, w] at timestep `t`, once under each context (one row
    each).

    `image_tokens` holds the image prompt of each context [1, 4, C], whose attention counts `image_scale` times: so much
    in every picture, or in each its own.
    Answer: a tuple of noise predictions [B, 4, h, w] in any float dtype, one per context.
    """

    unet: UNet
    x: Tensor
    t: int
    contexts: tuple[Context, ...]
    image_tokens: tuple[Tensor, ...] = ()
    image_scale: float | tuple[float, ...] = 1.0
    structure: Structure | None = None
    stage: Stage = "drawing"

    @property
    def nets(self) -> tuple[str, ...]:
        beside = self.structure and self.structure.net
        return (beside, self.unet) if beside else (self.unet,)

    @property
    def key(self) -> object:
        net = None if self.structure is None else self.structure.net or "stem"
        tokens = self.image_tokens[0].shape[1:] if self.image_tokens else None
        return (self.unet, self.x.shape[1:], net, tokens)

    @property
    def rows(self) -> int:
        return len(self.x) * len(self.contexts)

    @property
    def image_scales(self) -> tuple[float, ...]:
        """How many times the image prompt counts in each picture."""
        return self.image_scale if isinstance(self.image_scale, tuple) else (self.image_scale,) * len(self.x)

    def parts(self, most: int) -> list[Denoise]:
        """The same for so many pictures at a time."""
        starts = range(0, len(self.x), most)
        return [
            replace(self, x=self.x[start : start + most], image_scale=self.image_scales[start : start + most])
            for start in starts
        ]


class _Autoencode(Ask):
    """Through MoVQ, one way or the other."""

    __slots__ = ()

    @property
    def nets(self) -> tuple[str, ...]:
        return ("movq",)

    @property
    def stage(self) -> Stage:
        return "decoding"


@dataclass(frozen=True, slots=True, eq=False)
class Decode(_Autoencode):
    """The picture that the latent [4, h, w] stands for. Answer: pixels, uint8 [8h, 8w, 3] on the CPU."""

    latent: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class ToPixels(_Autoencode):
    """`Decode` without rounding, for methods that go on with the pixels. Answer: float32 [3, 8h, 8w] on the device."""

    latent: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class ToLatent(_Autoencode):
    """The latent of `pixels` [3, H, W] in [-1, 1] by the encoder of MoVQ. Answer: float32 [4, H/8, W/8] on the
    device."""

    pixels: Tensor

    @property
    def stage(self) -> Stage:
        return "looking"


@dataclass(frozen=True, slots=True, eq=False)
class EmbedImages(_Reading):
    """Image embeddings of CLIP for `pictures`, uint8 [H, W, 3] each; None stands for the mean-grey picture.

    Answer: a tuple of float32 [D] on the device, not normalised.
    """

    pictures: tuple[Tensor | None, ...]

    @property
    def nets(self) -> tuple[str, ...]:
        return ("image_encoder",)


@dataclass(frozen=True, slots=True, eq=False)
class ImageTokens(_Reading):
    """Image prompts of a U-Net from embeddings [D]. Answer: a tuple of tokens [1, 4, C], in their order."""

    unet: UNet
    embeddings: tuple[Tensor, ...]

    @property
    def nets(self) -> tuple[str, ...]:
        return (self.unet,)


@dataclass(frozen=True, slots=True, eq=False)
class Outline(_Reading):
    """The edge map of a picture, uint8 [H, W, 3], by HED. Answer: uint8 [H, W] on the CPU, 255 on an edge."""

    picture: Tensor
    variant: Literal["soft", "safe", "scribble"] = "soft"

    @property
    def nets(self) -> tuple[str, ...]:
        return ("hed_detector",)


@dataclass(frozen=True, slots=True, eq=False)
class Enlarge(Ask):
    """One pass of a super-resolution net over windows `x` [B, 3, H, W] at timestep `t`; `low` [B, 3, H, W] is the
    enlarged source under them. Answer: x0 [B, 3, H, W], not clamped, float32 on the device.

    It counts a step a window, for how many are enlarged at once is a matter of memory.
    """

    net: Net
    x: Tensor
    t: int
    low: Tensor

    @property
    def nets(self) -> tuple[str, ...]:
        return (self.net,)

    @property
    def key(self) -> object:
        return (self.net, self.x.shape[1:])

    @property
    def rows(self) -> int:
        return len(self.x)

    @property
    def steps(self) -> int:
        return len(self.x)

    @property
    def stage(self) -> Stage:
        return "enlarging"


class Tools(AnyTools, Protocol):
    """What any pipeline may use without asking, and besides: the tokeniser, and how many windows of super-resolution
    fit at once."""

    def tokenize(self, text: str) -> Tokens: ...

    def windows_at_once(self, height: int, width: int) -> int:
        """Windows of that many pixels that one super-resolution pass can take now."""
