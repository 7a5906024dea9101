"""`python -m inference survey`: the devices of this machine and the weights that could be had, as JSON of
`inference.queue.survey`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from inference.checkpoints.parts import come_of, is_whole
from inference.families.kandinsky.files.catalogue import KINDS, Net, files_of, held_bytes, offers, released_way
from inference.families.kandinsky.files.store import lacking, locate
from inference.queue import survey
from inference.requests import Kind

NEEDED = ("torch", "diffusers", "transformers", "huggingface_hub")
SAME: tuple[Kind, ...] = ("refine", "outpaint")  # they come with the weights of another kind


def survey_command(
    weights: Annotated[Path, typer.Option(help="Where converted weights lie, or will.")],
    released: Annotated[Path, typer.Option(help="Where the hub's files lie on their way there.")],
) -> None:
    """What draws here, and what can be fetched."""
    typer.echo(look(weights, released).model_dump_json())


def look(weights: Path, released: Path) -> survey.Survey:
    """What is here now. Sizes are those of the catalogue; nobody is asked over the network."""
    absent = next((name for name in NEEDED if find_spec(name) is None), None)
    devices, ram = ((), 0) if absent else (tuple(_devices()), _ram())
    here = locate(weights)
    kinds = [kind for kind in KINDS if kind not in SAME and offers("kandinsky-3.1", kind)]
    ways = {kind: released_way("kandinsky-3.1", kind) for kind in kinds}
    nets = {net for way in ways.values() for net in way}
    return survey.Survey(
        lacks=absent,
        devices=devices,
        ram=ram,
        nets={
            net: survey.Net(to_fetch=0 if here.has(net) else _to_fetch(net, released), hold=held_bytes(net))
            for net in nets
        },
        modes=dict(ways),
        ready=tuple(kind for kind in kinds if not lacking(here, kind)),
    )


def _to_fetch(net: Net, released: Path) -> int:
    """Bytes of a net that have not come yet."""
    files = (file for file in files_of("kandinsky-3.1", [net]) if not is_whole(file, released))
    return sum(file.bytes - min(file.bytes, come_of(file, released)) for file in files)


def _devices() -> Iterator[survey.Device]:
    """The best first; a CPU is always there."""
    import torch

    from inference.engine.policy import tier_of

    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        told = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        yield survey.Device(
            name=f"cuda:{index}", label=told.name, memory=total, free=free, large=tier_of(told.total_memory).large
        )
    if torch.backends.mps.is_available():
        yield survey.Device(name="mps", label="Apple GPU", memory=torch.mps.recommended_max_memory())
    yield survey.Device(name="cpu", label=f"CPU, {torch.get_num_threads()} threads")


def _ram() -> int:
    from inference.engine.residency import free_host_memory

    return int(free_host_memory())
