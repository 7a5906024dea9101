"""The image half of CLIP (Radford et al. 2021, arXiv:2103.00020), which the IP-Adapter looks at pictures with.

The released encoder is openai/clip-vit-large-patch14 as transformers' `CLIPVisionModelWithProjection`. Pictures are
prepared as by transformers' `CLIPImageProcessor`: shorter side bicubic to the net's size, centre cut out, normalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
import torch
from PIL import Image
from torch import Tensor, nn

from inference.checkpoints.shapes import Shapes, count_children

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
OFFICIAL_HEAD_DIM = 64
MAX_RATIO = 16

ClipConfig = dict[str, Any]


def infer_clip_config(shapes: Shapes, *, heads: int | None = None) -> ClipConfig:
    """Keyword arguments of transformers' `CLIPVisionConfig` that give the parameter `shapes`.

    The number of heads leaves no trace in them; by default they are 64 wide, as in every released CLIP.
    """
    embeddings = "vision_model.embeddings"
    layers = "vision_model.encoder.layers."
    hidden, _, patch, _ = shapes[f"{embeddings}.patch_embedding.weight"]
    patches = shapes[f"{embeddings}.position_embedding.weight"][0] - 1
    return {
        "hidden_size": hidden,
        "intermediate_size": shapes[f"{layers}0.mlp.fc1.weight"][0],
        "projection_dim": shapes["visual_projection.weight"][0],
        "num_hidden_layers": count_children(shapes, layers),
        "num_attention_heads": heads or hidden // OFFICIAL_HEAD_DIM,
        "image_size": round(patches**0.5) * patch,
        "patch_size": patch,
        "hidden_act": "quick_gelu",
    }


def build_clip(config: ClipConfig) -> nn.Module:
    """A `CLIPVisionModelWithProjection` for `config` on the meta device, but for the position ids it counts itself."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    with torch.device("meta"):
        clip = CLIPVisionModelWithProjection(CLIPVisionConfig(**config))
    embeddings = clip.vision_model.embeddings
    embeddings.position_ids = torch.arange(embeddings.num_positions)[None]  # a buffer that no file holds
    return clip.requires_grad_(False).eval()  # type: ignore[no-any-return]


@torch.inference_mode()
def embed_pictures(clip: Any, pictures: Sequence[Tensor | None]) -> Tensor:
    """Image embeddings of CLIP, float32 [B, D] on its device, not normalised.

    Pictures are uint8 [H, W, 3]; None stands for the one that is zero after normalisation, a mean grey.
    """
    size = clip.config.image_size
    pixels = torch.stack([torch.zeros(3, size, size) if it is None else clip_pixels(it, size) for it in pictures])
    weight = clip.visual_projection.weight
    clip.vision_model.embeddings.to(weight.device)  # position ids come from no file, so nobody has placed them
    embeddings: Tensor = clip(pixels.to(weight.device, weight.dtype)).image_embeds
    return embeddings.float()


def clip_pixels(picture: Tensor, size: int) -> Tensor:
    """What the encoder sees of a picture, uint8 [H, W, 3]: float32 [3, size, size], normalised.

    The shorter side becomes `size` and the middle is kept; the ends of a long picture are not seen.
    """
    picture = _not_too_long(picture)
    height, width = picture.shape[:2]
    short = min(height, width)
    resized = Image.fromarray(picture.cpu().numpy()).resize(
        (int(size * width / short), int(size * height / short)), Image.Resampling.BICUBIC
    )
    pixels = torch.from_numpy(numpy.array(resized))  # [h, w, 3]
    top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
    centre = pixels[top : top + size, left : left + size].permute(2, 0, 1)  # [3, size, size]
    return (centre.float() / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def _not_too_long(picture: Tensor) -> Tensor:
    """The middle of an extremely long picture: enlarging a strip of one pixel before cutting would fill the memory."""
    height, width = picture.shape[:2]
    limit = MAX_RATIO * min(height, width)
    top, left = max(0, height - limit) // 2, max(0, width - limit) // 2
    return picture[top : top + limit, left : left + limit]
