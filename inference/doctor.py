"""`python -m inference doctor`: what is here, what is missing, and which modes will therefore work.

Torch is looked at only when asked for a report, because the worker's parent shares this command line and does without
it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from inference.blobs import BlobMissing
from inference.blobs.probing import answer_from
from inference.checkpoints.folders import DEFAULT_FOLDER
from inference.checkpoints.released import human_size
from inference.families.kandinsky.files.catalogue import KINDS
from inference.families.kandinsky.files.store import (
    EMBEDDED,
    FROM_WORDS,
    Files,
    describe_lack,
    lacking,
    locate,
    nets_of,
)
from inference.families.language.files import LanguageModels, language_of
from inference.models import found_models
from inference.queue.findings import Finding, machine
from inference.queue.options import WorkerOptions
from inference.queue.wire import reason

NEEDED = (
    "torch",
    "diffusers",
    "transformers",
    "accelerate",
    "safetensors",
    "sentencepiece",
    "tokenizers",
    "google.protobuf",
    "huggingface_hub",
    "httpx2",
)
CUT_SHORT = "cut short"
MOST_HEADER_BYTES = 100_000_000  # what the format allows
DISTRIBUTIONS = {"google.protobuf": "protobuf", "huggingface_hub": "huggingface-hub"}


def doctor_report(weights: Path | None = None, embedded: Path = EMBEDDED) -> list[Finding]:
    """All findings in the order to read them; the last one, "modes", says what will work: its `ok` is False for
    nothing."""
    folder = weights or DEFAULT_FOLDER
    libraries = [_library(name) for name in NEEDED]
    ready = all(check.ok for check in libraries)
    checks = [machine(), *libraries]
    if ready:
        checks += _device()
    own, small = locate(folder), locate(embedded)
    checks += _weights(own)
    checks += _cut_short([*own.nets.values(), *(found.weights for found in found_models(folder).values())])
    checks += _models(folder)
    in_use = own if _draws(own) else small
    if in_use is small:
        checks.append(_embedded(small, folder))
    working = [kind for kind in KINDS if ready and not lacking(in_use, kind)]
    words = ", ".join(working) if working else "none will work"
    checks.append(Finding(bool(working), "modes", words))
    return checks


def language_report(models: LanguageModels) -> Iterator[Finding]:
    """One finding per language model. One that is missing is no fault: people's own words are drawn without it."""
    for task, model in models.found.items():
        yield Finding(True, task, f"in {model.folder}: {human_size(model.bytes)}")
    for task, lack in models.missing.items():
        yield Finding(None, task, f"needs {lack}")


def doctor_command(
    weights: Annotated[Path | None, typer.Option(envvar="WEIGHTS_DIR", help="Where weights lie.")] = None,
    blob: Annotated[
        str | None, typer.Option(hidden=True, help="What the bot's doctor has stored, to be answered in BLOBS_URL.")
    ] = None,
) -> None:
    """What is here, what is missing, and which modes will work, by the settings in the environment."""
    try:
        told = WorkerOptions.from_environment(os.environ)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        typer.echo(f"{str(first['loc'][0]).upper()}: {first['msg']}", err=True)
        raise typer.Exit(2) from None
    checks = doctor_report(weights)
    options = told.model_copy(update={"weights_dir": weights or DEFAULT_FOLDER})
    checks[-1:-1] = language_report(language_of(options))
    if blob is not None:
        checks.append(_answered(os.environ.get("BLOBS_URL", ""), blob))
    well = [finding.tell() for finding in checks]
    raise typer.Exit(0 if all(well) else 1)


def _answered(url: str, question: str) -> Finding:
    """Whether the engine's side of the store has what the bot's has, and leaves an answer there."""
    try:
        answer_from(url, question)
    except BlobMissing:
        return Finding(False, "pictures", f"the engine does not see in {url} what the bot has stored there")
    except Exception as refused:  # whatever the driver of somebody's store may raise
        return Finding(False, "pictures", f"the engine cannot use {url}: {reason(refused)}")
    return Finding(True, "pictures", "the engine reads what the bot has stored, and stores")


def _library(name: str) -> Finding:
    distribution = DISTRIBUTIONS.get(name, name)
    try:
        present = find_spec(name) is not None
    except ModuleNotFoundError:  # the parent package is absent
        present = False
    if not present:
        return Finding(False, distribution, "not installed: pip install 'kandinsky-studio[inference]'")
    try:
        return Finding(True, distribution, version(distribution))
    except PackageNotFoundError:
        return Finding(True, distribution, "installed without its metadata")


def _device() -> Iterator[Finding]:
    import torch

    from inference.engine.policy import best_device, device_policy
    from inference.engine.residency import free_host_memory, free_memory
    from inference.families.kandinsky.formats import formats_of

    device = best_device()
    policy = device_policy()
    ram = f"{human_size(int(free_host_memory()))} of RAM free"
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        free = int(free_memory(device))
        memory = f"{human_size(properties.total_memory)}, {human_size(free)} free"
        yield Finding(True, "device", f"{properties.name} ({memory}); {ram}")
        if policy.large_device != device:
            yield Finding(None, "memory", "the released text encoder is too large for this GPU and will run on the CPU")
    elif device.type == "mps":
        yield Finding(True, "device", f"Apple GPU (mps); {ram}")
    else:
        words = (
            f"CPU, {torch.get_num_threads()} threads; {ram}. Enough for the embedded model, slow for the released ones"
        )
        yield Finding(True, "device", words)
    chosen = formats_of(policy)
    formats = {"U-Net": chosen.unet, "text": chosen.text, "MoVQ": chosen.movq}
    yield Finding(
        None, "formats", ", ".join(f"{net} {str(dtype).removeprefix('torch.')}" for net, dtype in formats.items())
    )


def _weights(files: Files) -> Iterator[Finding]:
    """One finding per kind of request about the owner's own folder. One that is missing there is no fault: it was not
    asked for; one that is there is idle where nothing draws from words."""
    draws = _draws(files)
    for kind in KINDS:
        if lacking(files, kind):
            yield Finding(None, kind, f"not in {files.folder}: {describe_lack(files, kind)}")
        else:
            size = human_size(files.size(nets_of(files, kind)))
            idle = "" if draws else f", idle without {' or '.join(FROM_WORDS)} in the same folder"
            yield Finding(True if draws else None, kind, f"in {files.folder}: {size}{idle}")


def _models(folder: Path) -> Iterator[Finding]:
    """One finding per model of another family that is there; nobody need have any."""
    for name, found in found_models(folder).items():
        yield Finding(True, name, f"in {found.weights.parent}: {human_size(found.weights.stat().st_size)}")


def _cut_short(paths: Iterable[Path]) -> Iterator[Finding]:
    """One finding per file that is shorter than it says of itself: no engine becomes ready with it."""
    for path in paths:
        if path.suffix == ".safetensors" and (lacks := _bytes_lacking(path)):
            words = f"{path} lacks its last {human_size(lacks)}: the disk was full, or a copy broke off; fetch it again"
            yield Finding(False, CUT_SHORT, words)


def _bytes_lacking(path: Path) -> int:
    """How many bytes a safetensors file is shorter than its own header says; 0 where it is whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 + length:
            return 8 + length - size
        if length > MOST_HEADER_BYTES:
            return 0  # no header of ours; the loader says what is wrong with it
        try:
            header = json.loads(file.read(length))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return 0
    return max(0, 8 + length + max(ends, default=0) - size)


def _draws(files: Files) -> bool:
    return any(not lacking(files, kind) for kind in FROM_WORDS)


def _embedded(small: Files, folder: Path) -> Finding:
    if not _draws(small):
        return Finding(False, "embedded", f"no small checkpoint in {small.folder} either")
    get = f"python -m inference weights install flash full inpaint --folder {folder}"
    return Finding(None, "embedded", f"the small checkpoint draws in their place; for the released ones: {get}")
