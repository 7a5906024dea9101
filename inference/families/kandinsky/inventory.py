"""The nets of Kandinsky as the engine moves them: what each takes on disk and in a pass, and how it is read.

A net goes by its name in the catalogue, a whole U-Net by its own; both share the names "flash" and "inpainting", for
their files are not moved by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast, get_args

import torch
from torch import Tensor, nn

from inference.engine.nets import NetSpec
from inference.engine.policy import DevicePolicy
from inference.families.kandinsky.files.catalogue import CONTROLS, SUPERRES, Net, UNet
from inference.families.kandinsky.files.load import Checkpoint, LoadedUNet
from inference.families.kandinsky.files.store import Files, unet_nets
from inference.families.kandinsky.files.store import nets_of as kind_nets
from inference.families.kandinsky.formats import formats_of
from inference.families.kandinsky.nets.fast_movq import broadcast_spatial_norms, keep_plain_layout
from inference.families.kandinsky.nets.superres import activation_bytes
from inference.requests import Control, Request, Upscale

PIXEL_CHANNELS = 3

Load = Callable[[torch.device], nn.Module]
Activations = Callable[[Any, Any], int]

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


class WholeUNet(nn.Module):
    """A U-Net and what belongs to it as one module, so that they move together."""

    null_embedding: Tensor | None

    def __init__(self, loaded: LoadedUNet) -> None:
        super().__init__()
        self.unet = loaded.unet
        self.projection = loaded.projection
        self.register_buffer("null_embedding", loaded.null_embedding)


def net_specs(checkpoint: Checkpoint, policy: DevicePolicy) -> tuple[NetSpec, ...]:
    """Every net, whether its files are there or not; one whose are not raises MissingWeights when it is loaded."""
    formats, files = formats_of(policy), checkpoint.files

    def net(
        name: str,
        load: Load,
        activations: Activations,
        made_of: Sequence[Net] = (),
        device: torch.device = policy.device,
        dtype: torch.dtype = torch.float32,
    ) -> NetSpec:
        size = files.size(made_of or (cast(Net, name),))
        return NetSpec(name=name, bytes=size, load=load, activations=activations, device=device, dtype=dtype)

    def whole(name: UNet) -> Load:
        return lambda device: WholeUNet(checkpoint.load_unet(name, formats.unet, device))

    def control(name: Net) -> Load:
        return partial(checkpoint.load_control, name, formats.unet)

    def enlarger(name: Net) -> Load:
        return lambda device: _laid_out(checkpoint.load_superres(name, formats.superres, device), policy)

    def movq(device: torch.device) -> nn.Module:
        net: Any = checkpoint.load_movq(formats.movq, device)
        broadcast_spatial_norms(net)
        return _laid_out(net, policy)

    text = partial(checkpoint.load_encoder, formats.text)
    clip, hed = (partial(load, torch.float32) for load in (checkpoint.load_clip, checkpoint.load_hed))
    text_bytes = 0 if policy.device.type == "cpu" else TEXT_ACTIVATIONS

    def text_activations(_net: Any, _texts: Any) -> int:
        return text_bytes

    return (
        *(
            net(name, whole(name), unet_activations, unet_nets(files, name), dtype=formats.unet)
            for name in get_args(UNet)
        ),
        *(net(name, control(name), control_activations, dtype=formats.unet) for name in CONTROLS),
        *(net(name, enlarger(name), superres_activations, dtype=formats.superres) for name in SUPERRES),
        net("text_encoder", text, text_activations, device=policy.large_device, dtype=formats.text),
        net("movq", movq, movq_activations, dtype=formats.movq),
        net("image_encoder", clip, lambda net, picture: CLIP_ACTIVATIONS),
        net("hed_detector", hed, hed_activations),
    )


def nets_used(files: Files, request: Request) -> tuple[Net, ...]:
    """The nets that `request` is drawn with here, for its recipe."""
    nets = kind_nets(files, request.kind)
    match request:
        case Control(styles=styles) if styles:
            plain = set(unet_nets(files, "full")) - set(unet_nets(files, "mix"))
            nets = (*(net for net in nets if net not in plain), *kind_nets(files, "mix"))
        case Upscale(kind="flash_x2", refine=False):
            nets = ("superres_flash_x2",)
    drawn = isinstance(request, Control) and request.drawn
    return tuple(net for net in dict.fromkeys(nets) if not (drawn and net == "hed_detector"))


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


def movq_activations(net: nn.Module, given: Tensor) -> int:
    """Bytes that a latent to decode or a picture to encode takes besides the weights."""
    return encoder_activations(net, given) if given.shape[0] == PIXEL_CHANNELS else decoder_activations(net, given)


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


def superres_activations(net: nn.Module, x: Tensor) -> int:
    """Bytes that a pass over the windows x [N, 3, H, W] takes besides the weights."""
    return len(x) * activation_bytes(net, *x.shape[-2:])


def _item(net: nn.Module, name: str) -> int:
    return net.get_parameter(name).element_size()
