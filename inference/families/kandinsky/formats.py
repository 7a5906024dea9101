"""The number formats in which the nets of Kandinsky compute."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from inference.engine.policy import DevicePolicy

MOVQ_WHOLE_FROM = 14  # gigabytes: it takes 1.1 GB in float32 and 6.6 GB more while it decodes 1024², half of that else


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """One a part of the model, by the names that the owner knows (`files.catalogue.FORMATS`)."""

    unet: torch.dtype
    text: torch.dtype
    movq: torch.dtype
    superres: torch.dtype


def formats_of(policy: DevicePolicy) -> Formats:
    """The owner's formats where there are any.

    On a GPU 16 bits are taken for U-Net and text, everywhere else float32. MoVQ stays in float32 as its authors advise,
    except on the smallest GPUs; not in float16, which its range overflows. Super-resolution is in float16 as released:
    bfloat16 would round pixels to 128 levels.
    """
    whole = torch.float32
    small = policy.gigabytes < MOVQ_WHOLE_FROM and policy.half is torch.bfloat16
    return Formats(
        unet=policy.format_of("unet", policy.half),
        text=policy.format_of("text", policy.large_half),
        movq=policy.format_of("movq", torch.bfloat16 if small else whole),
        superres=policy.format_of("superres", torch.float16 if policy.device.type == "cuda" else whole),
    )
