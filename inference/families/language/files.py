"""Which language models lie on disk: one that improves prompts, one that translates them. No torch here.

Each is a folder as transformers writes it, decoder-only or encoder-decoder by its own config.json. A repository's name
stands for its copy among the weights or in the hub's cache; nothing is downloaded here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from inference.checkpoints.released import human_size
from inference.queue.options import WorkerOptions
from inference.requests import Ability, ModelCard

Task = Literal["beautify", "translate"]
TASKS: tuple[Task, ...] = ("beautify", "translate")

BEAUTIFIER = "Intel/neural-chat-7b-v3-1"  # the one Kandinsky 3.1 was published with (arXiv:2410.21061)
TRANSLATOR = "Helsinki-NLP/opus-mt-ru-en"
NONE = "none"  # the name that stands for no model
_DOWNLOADS = {BEAUTIFIER: 14_500_000_000, TRANSLATOR: 310_000_000}  # bytes of weights, approximately

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "source.spm", "vocab.json")


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A folder with a whole model. `bytes` is the size of its weight files."""

    folder: Path
    encoder_decoder: bool
    kind: str
    bytes: int


@dataclass(frozen=True, slots=True)
class LanguageModels:
    """What was found for each task, and in words for the owner why not; a task in neither was switched off."""

    found: Mapping[Task, LanguageModel] = field(default_factory=dict)
    missing: Mapping[Task, str] = field(default_factory=dict)
    four_bit: bool = False

    def on(self, card: ModelCard) -> ModelCard:
        """The card of a checkpoint with these tasks among its kinds."""
        tasks = {task: Ability(languages=("ru", "en")) for task in TASKS if task in self.found}
        return card.model_copy(
            update={"abilities": {**card.abilities, **tasks}, "missing": {**card.missing, **self.missing}}
        )


def language_models(
    beautify: str = BEAUTIFIER, translate: str = TRANSLATOR, *, weights: Path | None = None, four_bit: bool = False
) -> LanguageModels:
    """Looks for both models, each a folder, a repository "owner/name" or NONE, also in folder `name` of `weights`.

    `four_bit` is for decoder-only models and needs bitsandbytes; without it those are reported as missing.
    """
    found: dict[Task, LanguageModel] = {}
    missing: dict[Task, str] = {}
    wanted: dict[Task, str] = {"beautify": beautify, "translate": translate}
    for task, name in wanted.items():
        if name.strip().lower() in ("", NONE):
            continue
        folder = _folder_of(name, weights)
        lack = _lack(folder) if folder else _to_fetch(name)
        if not lack and folder:
            model = _describe(folder)
            if four_bit and not model.encoder_decoder and find_spec("bitsandbytes") is None:
                lack = "bitsandbytes, which 4-bit weights need: pip install bitsandbytes"
            else:
                found[task] = model
        if lack:
            missing[task] = lack
    return LanguageModels(found, missing, four_bit)


def language_of(options: WorkerOptions) -> LanguageModels:
    """The language models that a worker is told to use, the default ones where it is told none."""
    beautifier = BEAUTIFIER if options.beautifier is None else options.beautifier
    translator = TRANSLATOR if options.translator is None else options.translator
    return language_models(beautifier, translator, weights=options.weights_dir, four_bit=options.language_4bit)


def _folder_of(name: str, weights: Path | None) -> Path | None:
    folders = [Path(name).expanduser()]
    if weights is not None:
        folders += [root / name.rpartition("/")[2] for root in (weights, weights / "weights")]
    found = next((folder for folder in folders if folder.is_dir()), None)
    return found or _cached(name)


def _to_fetch(repository: str) -> str:
    size = f" ({human_size(_DOWNLOADS[repository])})" if repository in _DOWNLOADS else ""
    return f"the files of {repository}{size}: hf download {repository}"


def _cached(repository: str) -> Path | None:
    """The snapshot of a repository in the hub's cache on this machine; none where nothing could read it."""
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ModuleNotFoundError:  # as in the image of the bot, which draws nothing
        return None
    try:
        config = try_to_load_from_cache(repository, "config.json")
    except HFValidationError:  # a path, not a repository's name
        return None
    return Path(config).parent if isinstance(config, str) else None


def _lack(folder: Path) -> str:
    """What a folder needs to be a whole model, "" for nothing."""
    if not (folder / "config.json").is_file():
        return f"{folder}/config.json"
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        return f"a tokenizer in {folder}"
    if not weight_files(folder):
        return f"weights in {folder}"
    return next((str(path) for path in weight_files(folder) if not path.is_file()), "")


def weight_files(folder: Path) -> list[Path]:
    """The weight files that transformers reads from a folder, those its index names included if they are not there."""
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
            return [folder / shard for shard in sorted(shards)]
    return []


def _describe(folder: Path) -> LanguageModel:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    size = sum(path.stat().st_size for path in weight_files(folder))
    return LanguageModel(folder, bool(config.get("is_encoder_decoder")), str(config.get("model_type", "")), size)
