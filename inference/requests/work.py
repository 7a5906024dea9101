"""How much work a request is, and which requests can share it."""

from __future__ import annotations

import math

from inference.requests.fields import FLASH_STEPS, MAX_AREA
from inference.requests.modes import (
    AnyRequest,
    Control,
    FlashMix,
    FlashTextToImage,
    Inpaint,
    Mix,
    Outpaint,
    Refine,
    Rewrite,
    Upscale,
    size_of,
)
from inference.requests.windows import outpaint_windows

SR_STEPS = 5
SR_WINDOW, SR_STRIDE = 1024, 800
REWRITE_WORK = 40.0  # in megapixel passes: what a few dozen words take


def denoising_passes(request: AnyRequest) -> int:
    """U-Net passes for one picture (one tile of it, when enlarging), the two halves of guidance counted apart."""
    if isinstance(request, FlashTextToImage | FlashMix):
        return FLASH_STEPS
    if isinstance(request, Upscale):
        return FLASH_STEPS + request.refine if request.kind == "flash_x2" else SR_STEPS
    if isinstance(request, Rewrite):
        return 1
    passes = request.steps
    if not isinstance(request, Mix | Control):  # they have a sampler of their own
        passes = math.ceil(999 / math.ceil(1000 / request.steps))
    if isinstance(request, Refine):
        passes = max(1, int(passes * request.strength))
    return passes * (2 if request.guidance_scale > 0 else 1)


def tiles(request: AnyRequest) -> int:
    """Windows that the work is cut into: more than one only where the model cannot see all of it at once."""
    if isinstance(request, Outpaint):
        return len(outpaint_windows(request.width, request.height, request.box, request.native_side))
    if not isinstance(request, Upscale):
        return 1
    along = (math.ceil(max(0, side - SR_WINDOW) / SR_STRIDE) + 1 for side in (request.width, request.height))
    return math.prod(along)


def cost(request: AnyRequest) -> float:
    """Work of a request in megapixel passes: pictures x passes x megapixels, twice that with guidance."""
    if isinstance(request, Rewrite):
        return REWRITE_WORK
    width, height = size_of(request)
    if isinstance(request, Inpaint | Outpaint):
        area = tiles(request) * request.native_side**2
    else:
        area = width * height if isinstance(request, Upscale) else min(width * height, MAX_AREA)
    return len(request.seeds) * denoising_passes(request) * area / 1e6


def compatibility_key(request: AnyRequest) -> str:
    """Requests with equal keys may share a forward pass: same net, same size. Also the key of measured speeds, so
    sizes that no pass ever has, such as those of whole panoramas, do not count."""
    width, height = size_of(request)
    if isinstance(request, Upscale):
        width, height = min(width, SR_WINDOW), min(height, SR_WINDOW)
    elif isinstance(request, Inpaint | Outpaint):
        width = height = request.native_side
    return f"{request.kind}:{width}x{height}"
