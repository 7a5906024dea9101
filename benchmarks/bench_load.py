"""Weights from disk: ours against building the net at random and loading a state dict over it. Linux only.

Each measurement is a process of its own that has loaded a small net in the same way before, so that neither imports nor
the program's own pages count. Weights are usable when one number of every page of them has been read: a file that is
merely mapped gains nothing.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from diffusers import Kandinsky3UNet
from torch import nn

from benchmarks.harness import RUNS, Row, row
from benchmarks.random_weights import LARGE_UNET, write_unet
from inference.families.kandinsky.files.convert import convert
from inference.families.kandinsky.files.keys import unet_to_diffusers
from inference.families.kandinsky.files.load import Checkpoint

PAGE = os.sysconf("SC_PAGE_SIZE")
TWICE_SMALLER = 1.98  # twice, and a hundredth for the modules that hold the weights
FORK = multiprocessing.get_context("fork")
SMALL_UNET = {**LARGE_UNET, "time_embedding_dim": 64, "block_out_channels": (64, 64, 64, 64), "cross_attention_dim": 64}


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds and megabytes of resident memory, at their peak, that a load has added to a process."""

    cpu_ms: float
    peak_mb: float


def usual_way(released: Path) -> nn.Module:
    """The net with random weights, the file in memory beside it, and one copied over the other."""
    config = json.loads((released / "unet.json").read_text("utf-8"))
    unet = Kandinsky3UNet(**config)
    unet.encoder_hid_proj = nn.Identity()
    content = torch.load(released / "kandinsky3.pt", map_location="cpu", weights_only=True)
    unet.load_state_dict(unet_to_diffusers(content["unet"]))
    return unet


def from_released(released: Path) -> nn.Module:
    return Checkpoint.open(released).load_unet("full", torch.float32, "cpu").unet


def from_converted(converted: Path) -> nn.Module:
    return Checkpoint.open(converted).load_unet("full", torch.bfloat16, "cpu").unet


def cost_of(load: Callable[[Path], nn.Module], folder: Path, small: Path) -> Cost:
    """The cost of one load from `folder` in a process of its own that has loaded `small` already."""
    theirs, ours = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_measure, args=(load, folder, small, ours))
    process.start()
    ours.close()
    cost: Cost = theirs.recv()
    process.join()
    return cost


def _measure(load: Callable[[Path], nn.Module], folder: Path, small: Path, answer: Connection) -> None:
    torch.set_num_threads(1)
    _touch(load(small))
    gc.collect()
    gc.freeze()  # what imports have made would otherwise be looked through again, at moments of chance
    before, start = memory_mb("VmRSS"), time.process_time()
    net = load(folder)
    _touch(net)
    spent = time.process_time() - start
    answer.send(Cost(spent * 1e3, memory_mb("VmHWM") - before))


def _touch(net: nn.Module) -> None:
    for parameter in net.parameters():
        float(parameter.detach().view(-1)[:: PAGE // parameter.element_size()].float().sum())


def memory_mb(field: str) -> float:
    """A line of /proc/self/status, in megabytes."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[field].split()[0]) * 1024 / 1e6


def write_weights(config: dict[str, Any], folder: Path) -> None:
    """A random U-Net in the released layout, float32, under `folder`, and the same as our converter stores it."""
    released = folder / "released"
    (released / "flan_ul2_encoder").mkdir(parents=True)
    (released / "unet.json").write_text(json.dumps(config), "utf-8")
    write_unet(Kandinsky3UNet(**config), released / "kandinsky3.pt", released / "flan_ul2_encoder/projection.pt")
    convert(released, folder / "converted", torch.bfloat16, report=lambda line: None)


def rows() -> Iterator[Row]:
    """Time and memory of both formats, and the memory of the smaller one against the size of the released file."""
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder, "large"), Path(folder, "small")
        for config, place in ((LARGE_UNET, large), (SMALL_UNET, small)):
            writing = FORK.Process(target=write_weights, args=(config, place))
            writing.start()
            writing.join()
        file_mb = (large / "released/kandinsky3.pt").stat().st_size / 1e6
        ways = ((usual_way, "released"), (from_released, "released"), (from_converted, "converted"))
        runs = [[cost_of(load, large / place, small / place) for load, place in ways] for _ in range(RUNS)]
    for number, case in ((1, "float32 .pt"), (2, "bfloat16 safetensors")):
        cpu = [(costs[number].cpu_ms, costs[0].cpu_ms) for costs in runs]
        memory = [(costs[number].peak_mb, costs[0].peak_mb) for costs in runs]
        usual = "random init + torch.load"
        yield row("load", f"{case}, 329 M: CPU", cpu, baseline_name=usual, target=15)
        yield row("load", f"{case}, 329 M: peak memory", memory, baseline_name=usual, unit="MB")
    halves = [(costs[2].peak_mb, file_mb) for costs in runs]
    yield row(
        "load",
        "bfloat16 safetensors, 329 M: peak memory",
        halves,
        baseline_name="float32 file",
        target=TWICE_SMALLER,
        unit="MB",
    )


if __name__ == "__main__":
    for measured in rows():
        print(json.dumps(measured.as_json()), flush=True)
