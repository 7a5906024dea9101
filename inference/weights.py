"""`python -m inference weights`: download, convert, verify and list checkpoints."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inference.checkpoints.folders import DEFAULT_FOLDER, MissingWeights
from inference.checkpoints.released import ReleasedFile, human_size
from inference.families.kandinsky.files.catalogue import KINDS, Layout, offers, released_files
from inference.families.kandinsky.files.store import EMBEDDED, Files, describe_lack, lacking, locate, revisions
from inference.models import MODELS, found_models, state_of
from inference.requests import Kind

if TYPE_CHECKING:
    from inference.checkpoints.verify import Finding

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Download, convert, verify and list checkpoints.")

Folder = Annotated[Path, typer.Option("--folder", envvar="WEIGHTS_DIR", help="Where weights lie.")]


class KindOption(StrEnum):
    """What a release has weights for. Refining takes those of full, painting beyond the edges those of inpaint."""

    FLASH = "flash"
    FULL = "full"
    INPAINT = "inpaint"
    MIX = "mix"
    MIX_FLASH = "mix_flash"
    HED = "hed"
    DEPTH = "depth"
    SCRIBBLE = "scribble"
    X2 = "x2"
    X4 = "x4"
    FLASH_X2 = "flash_x2"


class Release(StrEnum):
    KANDINSKY_3_1 = "kandinsky-3.1"
    KANDINSKY_3_0 = "kandinsky-3.0"
    DIFFUSERS = "diffusers"


class Format(StrEnum):
    BFLOAT16 = "bf16"
    FLOAT16 = "fp16"
    FLOAT32 = "fp32"


@app.command("list")
def list_weights(folder: Folder = DEFAULT_FOLDER) -> None:
    """Which modes can run from a folder and from the embedded checkpoint, and what is missing for the others."""
    for title, place in ((str(folder), folder), ("embedded", EMBEDDED)):
        files = locate(place)
        typer.echo(title)
        for kind in KINDS:
            typer.echo(f"  {kind:<11} {_status(files, kind, embedded=place == EMBEDDED)}")
        for net, revision in revisions(files).items():
            typer.echo(f"    {net:<22} {revision}")
        if place != EMBEDDED:
            for name, model in MODELS.items():
                typer.echo(f"  {name:<28} {state_of(folder, model)}")
    typer.echo("\nreleased")
    for layout in Release:
        for option in KindOption:
            if offers(_layout(layout), option.value):
                size = human_size(sum(entry.bytes for entry in released_files(_layout(layout), [option.value])))
                typer.echo(f"  {layout:<14} {option:<11} {size:>9}")
    for name, model in MODELS.items():
        typer.echo(f"  {name:<28} {human_size(model.bytes):>7}")


def _status(files: Files, kind: Kind, *, embedded: bool) -> str:
    if not lacking(files, kind):
        return "ready"
    return "not part of it" if embedded else f"missing: {describe_lack(files, kind)}"


@app.command()
def download(
    wanted: Annotated[list[str], typer.Argument(help="What to fetch the weights of: kinds and models of `list`.")],
    folder: Folder = DEFAULT_FOLDER,
    release: Annotated[Release, typer.Option(help="Which release to fetch of kinds.")] = Release.KANDINSKY_3_1,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before downloading.")] = False,
    endpoint: Annotated[str | None, typer.Option(help="Another hub than huggingface.co.")] = None,
) -> None:
    """Fetch released weights. Says how much it will be before it starts; a second run resumes."""
    from inference.checkpoints.download import fetch, plan

    files = _files_of(wanted, release)
    try:
        planned = plan(files, folder, endpoint)
        for line in planned.describe():
            typer.echo(line)
        _agree(planned.bytes, yes)
        fetch(planned, progress=sys.stderr.isatty())
    except OSError as problem:
        _stop(str(problem))
    typer.echo(f"All files are in {folder}. Draw with them by setting WEIGHTS_DIR={folder}")


def _files_of(wanted: Sequence[str], release: Release) -> list[ReleasedFile]:
    """The files of kinds in a release, and of models; ends the program where there is no such thing."""
    kinds = [option.value for option in KindOption if option in wanted]
    if unknown := [name for name in wanted if name not in kinds and name not in MODELS]:
        _stop(f"There is no {unknown[0]}. There are {', '.join([*KindOption, *MODELS])}.")
    for kind in kinds:
        if not offers(_layout(release), kind):
            _stop(f"The release {release.value} has no {kind}.")
    models = [model for name, model in MODELS.items() if name in wanted]
    return [*released_files(_layout(release), kinds), *(file for model in models for file in model.files)]


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="A folder of downloaded weights.")],
    target: Annotated[Path, typer.Argument(help="Where the studio's files go.")],
    dtype: Annotated[Format, typer.Option("--dtype", help="Number format; small nets stay in fp32.")] = Format.BFLOAT16,
) -> None:
    """Rewrite released weights as safetensors with a manifest: faster to load and half the size. Do it once."""
    import torch

    from inference.checkpoints.convert import DoesNotFit
    from inference.checkpoints.tensors import UnreadableCheckpoint
    from inference.families.kandinsky.files.convert import convert as convert_folder
    from inference.models import convert_models

    formats = {Format.BFLOAT16: torch.bfloat16, Format.FLOAT16: torch.float16, Format.FLOAT32: torch.float32}
    try:
        drawing = locate(source)
        models = found_models(source)
        if drawing.nets or drawing.text_encoder or not models:
            convert_folder(source, target, formats[dtype], typer.echo)
        if models:
            convert_models(source, target, typer.echo)
    except (MissingWeights, UnreadableCheckpoint, DoesNotFit) as problem:
        _stop(str(problem))
    typer.echo(f"Done. Draw with them by setting WEIGHTS_DIR={target}")


@app.command()
def install(
    kinds: Annotated[list[KindOption], typer.Argument(help="What to have the weights of.")],
    folder: Folder = DEFAULT_FOLDER,
    released: Annotated[Path | None, typer.Option(help="Where the hub's files go first.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before downloading.")] = False,
    endpoint: Annotated[str | None, typer.Option(help="Another hub than huggingface.co.")] = None,
) -> None:
    """Fetch what these kinds lack and convert it, in one go; started again, it goes on where it was."""
    from inference.families.kandinsky.files.install import NotInstalled, installation

    source = released or folder.with_name(f"{folder.name}-released")
    if source.absolute() == folder.absolute():
        _stop("The hub's files and the studio's need two folders.")
    try:
        work = installation([kind.value for kind in kinds], folder, source, endpoint)
        if work is None:
            typer.echo(f"All of it is in {folder}.")
            return
        for line in work.fetching.describe():
            typer.echo(line)
        _agree(work.fetching.bytes, yes)
        work.run(sys.stderr)
    except (OSError, NotInstalled) as problem:
        _stop(str(problem))
    typer.echo(f"Done. Draw with them by setting WEIGHTS_DIR={folder}; {source} is not needed any more.")


@app.command()
def verify(folder: Folder = DEFAULT_FOLDER) -> None:
    """Check every file against its checksum and every net against its shapes; exit 1 if anything is broken."""
    broken = False
    try:
        for finding in _findings(folder):
            broken |= finding.verdict == "broken"
            typer.echo(f"{finding.verdict:<7} {finding.name}{'  ' + finding.detail if finding.detail else ''}")
    except MissingWeights as problem:
        _stop(str(problem))
    if broken:
        raise typer.Exit(1)


def _findings(folder: Path) -> Iterator[Finding]:
    """What there is to say of the files of a folder. Raises MissingWeights when there are none at all."""
    from inference.checkpoints.verify import checksums
    from inference.families.kandinsky.files.verify import verify as drawing
    from inference.models import models_that_fit

    try:
        yield from drawing(folder)
    except MissingWeights:
        if not found_models(folder):
            raise
        yield from checksums(folder, {})
    yield from models_that_fit(folder)


def _agree(size: int, yes: bool) -> None:
    """Returns when so many bytes may be fetched; ends the program otherwise."""
    if size and not yes:
        if not sys.stdin.isatty():
            _stop("Add --yes to start this download.")
        typer.confirm("Start?", abort=True)


def _layout(release: Release) -> Layout:
    layouts: dict[str, Layout] = {
        "kandinsky-3.1": "kandinsky-3.1",
        "kandinsky-3.0": "kandinsky-3.0",
        "diffusers": "diffusers",
    }
    return layouts[release.value]


def _stop(reason: str) -> None:
    typer.echo(reason, err=True)
    raise typer.Exit(1)
