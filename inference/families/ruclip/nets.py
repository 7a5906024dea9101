"""ruCLIP as transformers' `CLIPModel` (Radford et al. 2021, arXiv:2103.00020): names, dimensions, embeddings.

The six versions are released in OpenAI's names, the elder one, ruclip-vit-base-patch32-v5, in transformers'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from inference.checkpoints.shapes import Shapes, count_children
from inference.checkpoints.tensors import State
from inference.engine.finite import finite

BOS, EOS, PAD = 2, 3, 0
HIGHEST = 2  # what transformers takes for "where the highest id stands" if it is said to be the end of a text
HEAD_DIM = 64  # of the picture tower

_TEXT, _VISION = "text_model", "vision_model"
_LAYER = re.compile(r"(visual\.)?transformer\.resblocks\.(\d+)\.(.+)")
_WITHIN_LAYER = (
    ("attn.out_proj", "self_attn.out_proj"),
    ("ln_1", "layer_norm1"),
    ("ln_2", "layer_norm2"),
    ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"),
)
_OTHERS = {
    "token_embedding.weight": f"{_TEXT}.embeddings.token_embedding.weight",
    "positional_embedding": f"{_TEXT}.embeddings.position_embedding.weight",
    "ln_final.weight": f"{_TEXT}.final_layer_norm.weight",
    "ln_final.bias": f"{_TEXT}.final_layer_norm.bias",
    "visual.class_embedding": f"{_VISION}.embeddings.class_embedding",
    "visual.conv1.weight": f"{_VISION}.embeddings.patch_embedding.weight",
    "visual.positional_embedding": f"{_VISION}.embeddings.position_embedding.weight",
    "visual.ln_pre.weight": f"{_VISION}.pre_layrnorm.weight",  # spelt so in transformers
    "visual.ln_pre.bias": f"{_VISION}.pre_layrnorm.bias",
    "visual.ln_post.weight": f"{_VISION}.post_layernorm.weight",
    "visual.ln_post.bias": f"{_VISION}.post_layernorm.bias",
}
_TURNED = {"visual.proj": "visual_projection.weight", "text_projection": "text_projection.weight"}
_COUNTED = ".position_ids"  # older files of transformers hold them


def to_transformers(state: State) -> State:
    """A state dict of ruCLIP under transformers' names, whichever of the two namings it has."""
    if "visual.conv1.weight" not in state:
        return {name: tensor for name, tensor in state.items() if not name.endswith(_COUNTED)}
    return {new: tensor for name, old in state.items() for new, tensor in _renamed(name, old)}


def _renamed(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    if name in _TURNED:
        yield _TURNED[name], tensor.T
        return
    layer = _LAYER.fullmatch(name)
    if layer is None:
        yield _OTHERS.get(name, name), tensor
        return
    tower, number, rest = layer.groups()
    own = f"{_VISION if tower else _TEXT}.encoder.layers.{number}."
    if rest.startswith("attn.in_proj_"):
        for part, third in zip("qkv", tensor.chunk(3), strict=True):
            yield f"{own}self_attn.{part}_proj.{rest.removeprefix('attn.in_proj_')}", third
        return
    for old, new in _WITHIN_LAYER:
        if rest.startswith(f"{old}."):
            rest = new + rest.removeprefix(old)
    yield own + rest, tensor


ClipConfig = dict[str, Any]


def infer_clip_config(
    shapes: Shapes, *, text_heads: int, vision_heads: int | None = None, highest_is_end: bool = False
) -> ClipConfig:
    """Keyword arguments of transformers' `CLIPConfig` that give the parameter `shapes`, in transformers' names.

    Heads leave no trace in them; those of the picture tower are 64 wide by default. A text ends at its first EOS, or
    with `highest_is_end` where its highest id stands. Raises KeyError for the shapes of another net, ValueError for
    heads that do not fit.
    """
    hidden, _, patch, _ = shapes[f"{_VISION}.embeddings.patch_embedding.weight"]
    patches = shapes[f"{_VISION}.embeddings.position_embedding.weight"][0] - 1
    vocabulary, width = shapes[f"{_TEXT}.embeddings.token_embedding.weight"]
    return {
        "projection_dim": shapes["text_projection.weight"][0],
        "text_config": {
            **_tower(shapes, _TEXT, width, text_heads),
            "vocab_size": vocabulary,
            "max_position_embeddings": shapes[f"{_TEXT}.embeddings.position_embedding.weight"][0],
            "bos_token_id": BOS,
            "eos_token_id": HIGHEST if highest_is_end else EOS,
            "pad_token_id": PAD,
        },
        "vision_config": {
            **_tower(shapes, _VISION, hidden, vision_heads or hidden // HEAD_DIM),
            "image_size": round(patches**0.5) * patch,
            "patch_size": patch,
        },
    }


def _tower(shapes: Shapes, name: str, width: int, heads: int) -> ClipConfig:
    if width % heads:
        raise ValueError(f"{heads} heads do not share a width of {width}")
    layers = f"{name}.encoder.layers."
    return {
        "hidden_size": width,
        "intermediate_size": shapes[f"{layers}0.mlp.fc1.weight"][0],
        "num_hidden_layers": count_children(shapes, layers),
        "num_attention_heads": heads,
        "hidden_act": "quick_gelu",
    }


def build_clip(config: ClipConfig) -> nn.Module:
    """A `CLIPModel` for `config` on the meta device, but for the position ids it counts itself."""
    from transformers import CLIPConfig, CLIPModel

    with torch.device("meta"):
        clip = CLIPModel(CLIPConfig(**config))
    for tower in (clip.text_model, clip.vision_model):
        embeddings = tower.embeddings
        embeddings.position_ids = torch.arange(embeddings.position_embedding.num_embeddings)[None]
    return clip.requires_grad_(False).eval()  # type: ignore[no-any-return]


@torch.inference_mode()
def embed_texts(clip: Any, ids: Tensor) -> Tensor:
    """Embeddings of texts, float32 [B, D] on the device of the net, not normalised, for `ids` [B, L]. Raises
    NotFinite."""
    _place_positions(clip.text_model)
    return _sound(clip, clip.get_text_features(ids.to(clip.logit_scale.device)).pooler_output)


@torch.inference_mode()
def embed_pictures(clip: Any, pixels: Tensor) -> Tensor:
    """The same of pictures as the net sees them, float32 [B, 3, R, R]."""
    _place_positions(clip.vision_model)
    scale = clip.logit_scale
    return _sound(clip, clip.get_image_features(pixels.to(scale.device, scale.dtype)).pooler_output)


def temperature(clip: Any) -> float:
    """What cosines are multiplied with before a softmax."""
    return float(clip.logit_scale.float().exp())


def _place_positions(tower: Any) -> None:
    """Position ids come from no file, so nobody has placed them."""
    tower.embeddings.to(tower.embeddings.position_embedding.weight.device)


def _sound(clip: Any, embeddings: Tensor) -> Tensor:
    return finite(embeddings, "ruclip", clip.logit_scale.dtype).float()
