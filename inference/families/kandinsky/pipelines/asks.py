"""What a pipeline may ask of the heavy nets, and what it is answered.

A pipeline is a generator: it yields one of these values and is sent the answer. It never touches a net, so it reads
like the method it implements and can be tested by answering by hand; who answers may put the asks of many pipelines
into one pass.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from inference.checkpoints.catalogue import Mode
from inference.families.kandinsky.conditioning import Context, TextRule, TokenIds, Tokens
from inference.requests import Note


@dataclass(frozen=True, slots=True)
class Encode:
    """Texts into contexts for the U-Net of `mode`; None among them stands for no text: that net's learnt null
    embedding, or what `rule` puts in its place. `rule` is how the published pipeline of that net treats its texts.

    The prompt comes first, then what guidance leads away from; `whole_negatives` keeps the latter from being cut to the
    prompt's length. Answer: a tuple of contexts of one row each, in the order of `texts`, as `contexts_by_rule` makes
    them.
    """

    mode: Mode
    texts: tuple[TokenIds | None, ...]
    rule: TextRule = "kandinsky31"
    whole_negatives: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Outlines or depth to hold to: `hint` [1, 3, 8h, 8w] for the net `control`, its residuals times `scale`.

    With `control` None the hint goes into the stem of the U-Net itself (HED).
    """

    control: Literal["depth", "scribble"] | None
    hint: Tensor
    scale: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Denoise:
    """One pass of the U-Net of `mode` over the pictures `x` [B, 4 or 9, h, w] at timestep `t`, once under each context
    (one row each).

    `image_tokens` holds the image prompt of each context [1, 4, C], whose attention counts `image_scale` times.
    Answer: a tuple of noise predictions [B, 4, h, w] in any float dtype, one per context.
    """

    mode: Mode
    x: Tensor
    t: int
    contexts: tuple[Context, ...]
    image_tokens: tuple[Tensor, ...] = ()
    image_scale: float = 1.0
    structure: Structure | None = None

    @property
    def rows(self) -> int:
        """Rows this takes in a batch of the U-Net."""
        return len(self.x) * len(self.contexts)


@dataclass(frozen=True, slots=True, eq=False)
class Show:
    """The present estimate `x0` [B, 4, h, w] of the final latents, for previews; [B, 3, h, w] in [-1, 1] where the
    method works on pixels. Costs no pass. Answer: None, at once."""

    x0: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Decode:
    """The picture that the latent [4, h, w] stands for. Answer: pixels, uint8 [8h, 8w, 3] on the CPU."""

    latent: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class ToLatent:
    """The latent of `pixels` [3, H, W] in [-1, 1] by the encoder of MoVQ. Answer: float32 [4, H/8, W/8] on the
    device."""

    pixels: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class ToPixels:
    """`Decode` without rounding, for methods that go on with the pixels. Answer: float32 [3, 8h, 8w] on the device."""

    latent: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class EmbedImages:
    """Image embeddings of CLIP for `pictures`, uint8 [H, W, 3] each; None stands for the mean-grey picture.

    Answer: a tuple of float32 [D] on the device, not normalised.
    """

    pictures: tuple[Tensor | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ImageTokens:
    """Image prompts of the U-Net of `mode` from embeddings [D]. Answer: a tuple of tokens [1, 4, C], in their order."""

    mode: Mode
    embeddings: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The edge map of a picture, uint8 [H, W, 3], by HED. Answer: uint8 [H, W] on the CPU, 255 on an edge."""

    picture: Tensor
    variant: Literal["soft", "safe", "scribble"] = "soft"


@dataclass(frozen=True, slots=True, eq=False)
class Enlarge:
    """One pass of the super-resolution net over windows `x` [B, 3, H, W] at timestep `t`; `low` [B, 3, H, W] is the
    enlarged source under them. Answer: x0 [B, 3, H, W], not clamped, float32 on the device."""

    net: Literal["x2", "x4", "flash_x2"]
    x: Tensor
    t: int
    low: Tensor


@dataclass(frozen=True, slots=True)
class Write:
    """A few more tokens of the language model's answer to `prompt`, after `so_far` (token ids it gave before).

    Answer: a `Written`.
    """

    task: Literal["beautify", "translate"]
    prompt: str
    seed: int
    so_far: TokenIds = ()


@dataclass(frozen=True, slots=True)
class Written:
    """All ids of an answer up to now, the text they make, and whether it has ended by itself."""

    ids: TokenIds
    text: str
    ended: bool


Ask = Encode | Denoise | Show | Decode | ToLatent | ToPixels | EmbedImages | ImageTokens | Outline | Enlarge | Write


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a pipeline returns: pixels uint8 [H, W, 3] of every picture in the order of the seeds or a text for each,
    and what a person should know."""

    pictures: tuple[Tensor, ...] = ()
    notes: tuple[Note, ...] = ()
    texts: tuple[str, ...] = ()


Pipeline = Generator[Ask, Any, Drawing]


class Tools(Protocol):
    """The light things a pipeline uses without asking: where tensors live, the tokeniser, the pictures it works from,
    and how many windows of super-resolution fit at once."""

    @property
    def device(self) -> torch.device: ...

    def tokenize(self, text: str) -> Tokens: ...

    def picture(self, digest: str) -> Tensor:
        """Pixels uint8 [H, W, 3] on the CPU, upright, whatever file was sent. Raises BlobMissing, UnreadablePicture."""

    def mask(self, digest: str) -> Tensor:
        """Pixels uint8 [H, W] of a grey PNG on the CPU. Raises BlobMissing, UnreadablePicture."""

    def windows_at_once(self, height: int, width: int) -> int:
        """Windows of that many pixels that one super-resolution pass can take now."""
