"""The text projection that each U-Net of Kandinsky 3.1 brings along: a linear map and a layer norm."""

from __future__ import annotations

import torch
from torch import nn

from inference.checkpoints.shapes import Shapes


def build_projection(shapes: Shapes) -> nn.Module:
    """Sequential(Linear without bias, LayerNorm) on the meta device, as wide as `shapes` of its state dict say."""
    out_features, in_features = shapes["0.weight"]
    with torch.device("meta"):
        projection = nn.Sequential(nn.Linear(in_features, out_features, bias=False), nn.LayerNorm(out_features))
    return projection.requires_grad_(False).eval()
