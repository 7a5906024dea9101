"""Which nets an ask takes, how large they are, how they are loaded, and what a pass takes besides their weights.

A net goes by its name in the catalogue; a U-Net with what belongs to it goes by its mode.
"""

from __future__ import annotations

from typing import Any, cast, get_args

import torch
from torch import Tensor, nn

from inference.checkpoints.catalogue import UNET_OF_MODE, Mode, Net
from inference.checkpoints.load import Checkpoint, LoadedUNet
from inference.checkpoints.store import Files, unet_nets
from inference.checkpoints.store import nets_of as kind_nets
from inference.engine.residency import DevicePolicy
from inference.families.kandinsky.nets.fast_movq import broadcast_spatial_norms, keep_plain_layout
from inference.families.kandinsky.pipelines.asks import (
    Ask,
    Decode,
    Denoise,
    EmbedImages,
    Encode,
    Enlarge,
    ImageTokens,
    Outline,
    ToLatent,
    ToPixels,
)
from inference.requests import AnyRequest, Control, Upscale

TEXT, MOVQ, CLIP, HED = "text_encoder", "movq", "image_encoder", "hed_detector"

# Feature maps alive at once in a pass, in copies of the first level's widest. Counted tensor by tensor in nets of the
# released sizes without data (11.6, 5.8, 12.2, 10, 3.1), attention taken to keep no scores, and two more for what cuDNN
# lays out anew around a convolution, its input and its output. MoVQ's were counted before its norms broadcast; it holds
# 6.1 and 5 since, which leaves room for the workspaces of float32 convolutions. No GPU has confirmed them.
UNET_MAPS = 14
CONTROL_MAPS = 8
DECODER_MAPS = 13
ENCODER_MAPS = 12
HED_MAPS = 6
TEXT_ACTIVATIONS = 200_000_000  # these two are generous guesses
CLIP_ACTIVATIONS = 100_000_000


class UNet(nn.Module):
    """A U-Net and what belongs to it as one module, so that they move together."""

    null_embedding: Tensor | None

    def __init__(self, loaded: LoadedUNet) -> None:
        super().__init__()
        self.unet = loaded.unet
        self.projection = loaded.projection
        self.register_buffer("null_embedding", loaded.null_embedding)


def nets_of(ask: Ask) -> tuple[str, ...]:
    """Names of the nets that an ask takes; the text encoder counts although the texts may be known already. Those of
    `Write` are named elsewhere."""
    match ask:
        case Encode(mode=mode):
            return (TEXT, mode)
        case Denoise(mode=mode, structure=structure):
            return (mode,) if structure is None or structure.control is None else (control_net(structure.control), mode)
        case ImageTokens(mode=mode):
            return (mode,)
        case Decode() | ToLatent() | ToPixels():
            return (MOVQ,)
        case EmbedImages():
            return (CLIP,)
        case Outline():
            return (HED,)
        case Enlarge(net=net):
            return (superres_net(net),)
        case _:
            return ()


def nets_used(files: Files, request: AnyRequest) -> tuple[Net, ...]:
    """The nets that `request` is drawn with here, for its recipe."""
    nets = kind_nets(files, request.kind)
    match request:
        case Control(styles=styles) if styles:
            plain = set(unet_nets(files, "full")) - set(unet_nets(files, "mix"))
            nets = (*(net for net in nets if net not in plain), *kind_nets(files, "mix"))
        case Upscale(kind="flash_x2", refine=False):
            nets = ("superres_flash_x2",)
    drawn = isinstance(request, Control) and request.drawn
    return tuple(net for net in dict.fromkeys(nets) if not (drawn and net == HED))


def control_net(control: str) -> str:
    return f"control_{control}"


def superres_net(net: str) -> str:
    return f"superres_{net}"


def file_size(files: Files, name: str) -> int:
    """Bytes of the files of a net: no less than it takes in memory, unless its format is widened."""
    if name in get_args(Mode):
        return files.size(unet_nets(files, cast(Mode, name)))
    return files.size((cast(Net, name),))


def load(checkpoint: Checkpoint, policy: DevicePolicy, name: str, device: torch.device) -> nn.Module:
    """A net read from disk. Raises MissingWeights."""
    if name in get_args(Mode):
        return UNet(checkpoint.load_unet(UNET_OF_MODE[cast(Mode, name)], policy.unet, device))
    kind, _, variant = name.partition("_")
    if name == TEXT:
        return checkpoint.load_encoder(policy.text, device)
    if name == MOVQ:
        movq: Any = checkpoint.load_movq(policy.movq, device)
        broadcast_spatial_norms(movq)
        return _laid_out(movq, policy)
    if name == CLIP:
        return checkpoint.load_clip(torch.float32, device)
    if name == HED:
        return checkpoint.load_hed(torch.float32, device)
    if kind == "control":
        return checkpoint.load_control(variant, policy.unet, device)
    return _laid_out(checkpoint.load_superres(variant, policy.superres, device), policy)


def _laid_out(net: Any, policy: DevicePolicy) -> nn.Module:
    """`net` in channels_last where the CPU computes, in plain NCHW elsewhere.

    The CPU's convolutions in MoVQ run a fifth faster so, those of super-resolution are alike, U-Nets do not gain. Other
    devices' group norms know plain NCHW only: each would copy its maps, and the next convolution would copy them back.
    """
    if policy.device.type == "cpu":
        return cast(nn.Module, net.to(memory_format=torch.channels_last))
    keep_plain_layout(net)
    return cast(nn.Module, net)


def unet_activations(net: nn.Module, x: Tensor) -> int:
    """Bytes that a pass over x [N, 4 or 9, h, w] takes besides the weights."""
    weight = net.get_parameter("unet.conv_out.weight")
    return UNET_MAPS * 2 * weight.shape[1] * x.shape[0] * x.shape[-2] * x.shape[-1] * _item(net, "unet.conv_in.weight")


def control_activations(net: nn.Module, x: Tensor) -> int:
    """The same for the ControlNet beside it."""
    weight = net.get_parameter("conv_in.weight")
    return CONTROL_MAPS * 2 * weight.shape[0] * x.shape[0] * x.shape[-2] * x.shape[-1] * weight.element_size()


def decoder_activations(net: nn.Module, latent: Tensor) -> int:
    """Bytes that decoding one latent [4, h, w] takes besides the weights."""
    weight = net.get_parameter("decoder.conv_out.weight")
    return DECODER_MAPS * weight.shape[1] * 64 * latent.shape[-2] * latent.shape[-1] * weight.element_size()


def encoder_activations(net: nn.Module, pixels: Tensor) -> int:
    """Bytes that encoding one picture [3, H, W] takes besides the weights."""
    weight = net.get_parameter("encoder.conv_in.weight")
    return ENCODER_MAPS * weight.shape[0] * pixels.shape[-2] * pixels.shape[-1] * weight.element_size()


def hed_activations(net: nn.Module, picture: Tensor) -> int:
    """Bytes that the edges of a picture [H, W, 3] take besides the weights."""
    weight = net.get_parameter("block1.convs.0.weight")
    return HED_MAPS * weight.shape[0] * picture.shape[0] * picture.shape[1] * weight.element_size()


def _item(net: nn.Module, name: str) -> int:
    return net.get_parameter(name).element_size()
