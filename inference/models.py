"""Released models that are one net in one file, of all families: what `weights` and `doctor` do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference.checkpoints.models import Found, Model, find
from inference.checkpoints.released import human_size
from inference.families.emojich.files import MODELS as EMOJICH
from inference.families.realesrgan.files import MODELS as REALESRGAN
from inference.families.ruclip.files import MODELS as RUCLIP

if TYPE_CHECKING:
    from inference.checkpoints.manifest import Report
    from inference.checkpoints.tensors import State
    from inference.checkpoints.verify import Finding

MODELS: dict[str, Model] = {model.name: model for model in (*REALESRGAN, *RUCLIP, *EMOJICH)}


def found_models(folder: Path) -> dict[str, Found]:
    """The models that are in a weights folder, by name."""
    located = {name: find(folder, model) for name, model in MODELS.items()}
    return {name: found for name, found in located.items() if found is not None}


def state_of(folder: Path, model: Model) -> str:
    """Whether a weights folder has a model, and otherwise what there would be to download."""
    if find(folder, model) is not None:
        return "ready"
    return f"missing: {model.weights.place} ({human_size(model.bytes)})"


def convert_models(source: Path, target: Path, report: Report) -> None:
    """Rewrites every model in `source` into `target`, in float32. Raises UnreadableCheckpoint, and DoesNotFit before
    anything is written."""
    from inference.checkpoints.convert import check_room, convert_model, still_to_convert
    from inference.checkpoints.manifest import Manifest

    found, code = found_models(source), _code()
    target.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(target, report)
    check_room(sum(still_to_convert(MODELS[name], one, manifest) for name, one in found.items()), target)
    for name, one in found.items():
        convert_model(MODELS[name], one, code[MODELS[name].family].read, manifest)


def models_that_fit(folder: Path) -> Iterator[Finding]:
    """For every model in a weights folder whether its files hold what they should; reads no weights."""
    from inference.checkpoints.verify import fits

    code = _code()
    for name, found in found_models(folder).items():
        check = code[MODELS[name].family].check
        yield fits(name, lambda check=check, found=found: check(found))  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class _Code:
    """What a family does with its files. `check` raises UnreadableCheckpoint for files of something else."""

    read: Callable[[Path], State]
    check: Callable[[Found], object]


def _code() -> dict[str, _Code]:
    """By the family's name. Torch is imported here and no sooner."""
    from inference.families.emojich import load as emojich
    from inference.families.realesrgan import load as realesrgan
    from inference.families.ruclip import load as ruclip

    return {
        "emojich": _Code(emojich.read, emojich.check),
        "realesrgan": _Code(realesrgan.read, realesrgan.check),
        "ruclip": _Code(ruclip.read, ruclip.check),
    }
