"""Peak memory of enlarging to 4K and of decoding, in windows against in one piece. Linux only.

Each measurement is a process of its own that has made something small in the same way before, so that imports do not
count. The nets are narrow: what is bounded, or is not, are the maps they work on. On the CPU weights, panoramas and
passes share one memory; on a GPU the passes alone are what it holds while panoramas lie in RAM.
"""

from __future__ import annotations

import ctypes
import gc
import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.bench_load import FORK, memory_mb
from benchmarks.harness import Row, row
from inference.engine.asks import Ask
from inference.families.kandinsky.asks import Enlarge, ToPixels
from inference.families.kandinsky.conditioning import EOS, Tokens
from inference.families.kandinsky.nets.fast_movq import broadcast_spatial_norms
from inference.families.kandinsky.nets.movq import build_movq, decode
from inference.families.kandinsky.nets.superres import build_superres, predict_clean
from inference.families.kandinsky.pipelines.enlarging import CHANNELS, PANORAMAS
from inference.families.kandinsky.pipelines.refining import Refiner
from inference.families.kandinsky.pipelines.upscale import PLAN, Plan, upscale
from inference.requests import Source, Upscale

M_MMAP_THRESHOLD = -3  # of malloc.h
STEPS = 2  # from the second on nothing new is kept
SUPERRES: dict[str, Any] = {
    "channels": 3,
    "stem": 8,
    "widths": [8, 8, 8, 8],
    "blocks": [1, 1, 1, 1],
    "time_dim": 16,
    "frequencies": 16,
    "groups": 4,
}
MOVQ: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (32, 32, 32, 32),
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 32,
    "norm_type": "spatial",
    "vq_embed_dim": 4,
}
HD, UHD = (1080, 1920), (2160, 3840)  # heights and widths of results: 6 and 15 windows
# A quarter of the real tiles: what counts is that a picture of nine of them takes no more than one.
TILE, TWICE, WIDE = (256, 256), (512, 512), (256, 1024)
TILES = replace(Refiner().decode, size=TILE[0])


@dataclass(frozen=True)
class Light:
    """The light tools of a pipeline that enlarges a grey picture, one window at a time."""

    height: int
    width: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def tokenize(self, text: str) -> Tokens:
        return Tokens((EOS,), 1, "")

    def picture(self, digest: str) -> Tensor:
        return torch.full((self.height, self.width, 3), 128, dtype=torch.uint8)

    def mask(self, digest: str) -> Tensor:
        raise NotImplementedError

    def windows_at_once(self, height: int, width: int) -> int:
        return 1


def random(net: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    net = net.to_empty(device="cpu")
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.05)
    return net


def enlarge(height: int, width: int, plan: Plan = PLAN) -> None:
    """A grey picture enlarged four times to that size by a narrow net."""
    net = random(build_superres(SUPERRES))
    image = Source(blob="0" * 64, width=width // 4, height=height // 4)
    request, tools = Upscale(kind="x4", image=image, seeds=(1,)), Light(height // 4, width // 4)

    def see(ask: Ask) -> object:
        if not isinstance(ask, Enlarge):
            return None
        return predict_clean(net, ask.x, torch.full((len(ask.x),), ask.t), ask.low)

    run(upscale(request, tools, replace(plan, steps=STEPS)), see)


def enlarge_whole(height: int, width: int) -> None:
    """The same in a single window."""
    frames = replace(PLAN.frames, window=-(-max(height, width) // 8) * 8)
    enlarge(height, width, replace(PLAN, frames=frames))


def decode_tiles(height: int, width: int) -> None:
    """A latent decoded tile by tile to a picture of that size."""
    movq = random(build_movq(MOVQ))
    broadcast_spatial_norms(movq)

    def see(ask: Ask) -> object:
        return decode(movq, ask.latent[None])[0] if isinstance(ask, ToPixels) else None

    latent = torch.zeros(4, height // 8, width // 8)
    run(Refiner(decode=TILES).pixels(latent, torch.device("cpu"), published=False), see)


def decode_whole(height: int, width: int) -> None:
    movq = random(build_movq(MOVQ))
    broadcast_spatial_norms(movq)
    decode(movq, torch.zeros(1, 4, height // 8, width // 8))


@torch.inference_mode()
def run(asks: Generator[Ask, Any, Any], see: Callable[[Ask], object]) -> None:
    answer: object = None
    while True:
        try:
            ask = asks.send(answer)
        except StopIteration:
            return
        answer = see(ask)


def peak(work: Callable[[int, int], None], size: tuple[int, int]) -> float:
    """Megabytes that `work` at that size adds at its peak to a process that has done it at a small size."""
    theirs, ours = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_measure, args=(work, size, ours))
    process.start()
    ours.close()
    added: float = theirs.recv()
    process.join()
    return added


def _measure(work: Callable[[int, int], None], size: tuple[int, int], answer: Connection) -> None:
    torch.set_num_threads(1)
    # Maps go back to the system as soon as they are let go, as those of the real nets, which are larger, always do.
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**17)
    work(64, 64)
    gc.collect()
    before = memory_mb("VmRSS")
    work(*size)
    answer.send(memory_mb("VmHWM") - before)


def beyond(panoramas: int, added: float, size: tuple[int, int]) -> float:
    """What of a peak is not the panoramas, which lie in RAM where a device has no room: windows, or tiles, alone."""
    return added - panoramas * CHANNELS * 4 * size[0] * size[1] / 1e6


def rows() -> Iterator[Row]:
    """Windows against one piece, and large pictures against small ones, where nothing but the panoramas may grow."""
    large, small, whole = peak(enlarge, UHD), peak(enlarge, HD), peak(enlarge_whole, UHD)
    yield _row("enlarging to 3840x2160", large, whole, "in one pass", target=2)
    bounded = beyond(PANORAMAS, large, UHD), beyond(PANORAMAS, small, HD)
    yield _row("enlarging to 3840x2160, beyond the panoramas", *bounded, "1920x1080", target=0.8)
    tile = peak(decode_tiles, TILE)
    for size in (TWICE, WIDE):
        tiled, whole, case = peak(decode_tiles, size), peak(decode_whole, size), f"decoding {size[1]}x{size[0]}"
        yield _row(case, tiled, whole, "in one pass", target=2)
        yield _row(f"{case}, beyond the picture", beyond(1, tiled, size), beyond(1, tile, TILE), "one tile", target=0.8)


def _row(case: str, ours: float, baseline: float, name: str, target: float) -> Row:
    return row("memory", case, [(ours, baseline)], baseline_name=name, target=target, unit="MB")


if __name__ == "__main__":
    for measured in rows():
        print(json.dumps(measured.as_json()), flush=True)
