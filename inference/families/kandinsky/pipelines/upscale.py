"""KandiSuperRes (github.com/ai-forever/KandiSuperRes): a picture at two or four times its size."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from inference.engine.asks import Ask, Drawing, Pipeline, Ready
from inference.families.kandinsky.asks import Encode, Tools
from inference.families.kandinsky.compositing import resized, to_signed
from inference.families.kandinsky.conditioning import UNSEEN_PAD, Context
from inference.families.kandinsky.files.catalogue import Net
from inference.families.kandinsky.nets.superres import SIDE_MULTIPLE, enlarged
from inference.families.kandinsky.pipelines.enlarging import CHANNELS, Frames, Noise, enlarge, home, passes
from inference.families.kandinsky.pipelines.refining import Refiner
from inference.families.kandinsky.sampling import PictureNoise
from inference.requests import SR_STEPS, InvalidRequest, Upscale

NETS: Mapping[str, Net] = {"x2": "superres_x2", "x4": "superres_x4", "flash_x2": "superres_flash_x2"}
FLASH_MULTIPLE = 32  # of the source's sides, so that the latents of the double are multiples of 8
BAND = 256  # rows turned into pixels at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """In what pieces the work is done, and in how many steps. Only the default gives the published pictures."""

    frames: Frames = field(default_factory=Frames)
    refiner: Refiner = field(default_factory=Refiner)
    steps: int = SR_STEPS


PLAN = Plan()


def upscale(
    request: Upscale,
    tools: Tools,
    plan: Plan = PLAN,
    streams: Callable[[int, tuple[int, ...]], Noise] = PictureNoise,
) -> Pipeline:
    """Enlarges the source once per seed.

    Sides that the nets cannot take are continued by their mirror image and cut off again; Flash works in windows like
    the others beyond one of them. With `exact_official_resize` sides are stretched and back, Flash sees the whole
    picture at once, and fractions of a brightness level are dropped, all as the published code does it.

    Raises InvalidRequest when the source is not of the size that the request says.
    """
    context: Context | None = None
    if _refines(request):
        nothing = (*tools.tokenize("").ids, UNSEEN_PAD)
        (context,) = yield Encode("flash", (nothing,), rule="refiner")
    low = _source(request, tools, plan)
    pictures = []
    for tile, seed in enumerate(request.seeds):
        noise = streams(seed, tuple(low.shape))
        large = yield from enlarge(NETS[request.kind], low, noise, tools, _frames(request, plan), steps=plan.steps)
        if context is not None:
            large = yield from _refine(large, context, noise, tools, plan.refiner, request.exact_official_resize)
        pictures.append(_finished(large, request))
        yield Ready(tile, pictures[-1])
    return Drawing(tuple(pictures))


def upscale_steps(request: Upscale, plan: Plan = PLAN) -> int:
    """Windows seen and other asks that cost a pass: an `Enlarge` counts for as many as it has windows."""
    height, width = _panorama(request, plan)
    each = passes(NETS[request.kind], plan.steps) * _frames(request, plan).count(height, width)
    if not _refines(request):
        return len(request.seeds) * each
    refining = plan.refiner.count(height, width, published=request.exact_official_resize)
    return 1 + len(request.seeds) * (each + refining)


def _refine(
    picture: Tensor, context: Context, noise: Noise, tools: Tools, refiner: Refiner, published: bool
) -> Generator[Ask, Any, Tensor]:
    latent = yield from refiner.latent(picture, tools.device, published=published)
    latent = yield from refiner.refined(latent, context, noise, published=published)
    return (yield from refiner.pixels(latent, picture.device, published=published))


def _refines(request: Upscale) -> bool:
    return request.kind == "flash_x2" and request.refine


def _frames(request: Upscale, plan: Plan) -> Frames:
    if request.kind == "flash_x2" and request.exact_official_resize:
        return replace(plan.frames, window=max(_panorama(request, plan)))
    return plan.frames


def _panorama(request: Upscale, plan: Plan) -> tuple[int, int]:
    """Height and width of the picture that is worked on."""
    height, width = (_fitting(side, request, plan) for side in (request.image.height, request.image.width))
    return height * request.factor, width * request.factor


def _fitting(side: int, request: Upscale, plan: Plan) -> int:
    """The side of the source that the nets can take, nearest to `side`.

    A side that fills a window is as good as any, since only windows are seen. The published code would fail on some
    small sides; those are rounded up.
    """
    exact, small = request.exact_official_resize, side * request.factor < plan.frames.window
    if request.kind == "flash_x2" and exact:
        return max(FLASH_MULTIPLE, side // FLASH_MULTIPLE * FLASH_MULTIPLE)
    multiple = 2 if exact else 1
    if _refines(request):
        multiple = FLASH_MULTIPLE
    elif small:
        multiple = SIDE_MULTIPLE // request.factor
    return -(-side // multiple) * multiple


def _source(request: Upscale, tools: Tools, plan: Plan) -> Tensor:
    """The source enlarged to the panorama [3, H, W] float32 in [-1, 1], where panoramas are kept."""
    picture = tools.picture(request.image.blob)
    if picture.shape != (request.image.height, request.image.width, CHANNELS):
        raise InvalidRequest(
            "image", f"must be {request.image.width}x{request.image.height} pixels, as the request says"
        )
    height, width = _panorama(request, plan)
    fitting = height // request.factor, width // request.factor
    if not request.exact_official_resize:
        picture = picture[_mirrored(picture.shape[0], fitting[0])][:, _mirrored(picture.shape[1], fitting[1])]
    elif request.kind == "flash_x2":
        picture = resized(picture, fitting[1], fitting[0], Image.Resampling.BICUBIC)
    low = to_signed(picture).to(home(tools, height, width))
    return enlarged(low[None], height, width)[0]


def _mirrored(length: int, wanted: int) -> Tensor:
    """Indices of a side that goes on as its mirror image, and back again if it must."""
    place = torch.arange(wanted) % (2 * length)
    return torch.minimum(place, 2 * length - 1 - place)


def _finished(picture: Tensor, request: Upscale) -> Tensor:
    """Pixels uint8 [H, W, 3] on the CPU of a panorama [3, H', W'], at the size that was asked for."""
    size = request.height, request.width
    if request.exact_official_resize and picture.shape[-2:] != size:
        # Clipped first; the corners of both grids meet, as in the published code.
        picture = interpolate(picture.clamp_(-1, 1)[None], size=size, mode="bilinear", align_corners=True)[0]
    pixels = torch.empty(*size, CHANNELS, dtype=torch.uint8)
    for top in range(0, size[0], BAND):
        rows = slice(top, min(top + BAND, size[0]))
        levels = ((picture[:, rows, : size[1]] + 1) / 2).clamp_(0, 1).mul_(255)
        whole = levels if request.exact_official_resize else levels.round_()
        pixels[rows] = whole.to(torch.uint8).permute(1, 2, 0).cpu()
    return pixels
