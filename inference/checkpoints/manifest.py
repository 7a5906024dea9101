"""manifest.json of a folder in the studio's layout: its files, what they were made from, their sha256."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from inference.checkpoints.folders import MANIFEST, stated
from inference.checkpoints.tensors import State

Report = Callable[[str], None]


class Manifest:
    """manifest.json of the target folder and the files it vouches for."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._folder = folder
        self.report = report
        known = stated(folder)
        self.configs: dict[str, Any] = known.get("configs", {})
        self._files: dict[str, dict[str, Any]] = known.get("files", {})

    def has(self, name: str, origin: str, dtype: torch.dtype) -> bool:
        """Whether the file is there, made from `origin` in `dtype`."""
        path, entry = self._folder / name, self._files.get(name, {})
        wanted = {"origin": origin, "dtype": _name(dtype)}
        return entry.items() >= wanted.items() and path.is_file() and path.stat().st_size == entry["bytes"]

    def add(self, name: str, state: State, origin: str) -> None:
        """Writes tensors as safetensors; `origin` is the revision of the file they came from."""
        extra = {"origin": origin, "dtype": _name(next(iter(state.values())).dtype)}
        self._place(name, lambda path: save_file(state, path, metadata={"format": "pt"}), extra)

    def add_text(self, name: str, text: str) -> None:
        self._place(name, lambda path: path.write_text(text, "utf-8"), {})

    def copy(self, source: Path, name: str) -> None:
        self._place(name, lambda path: shutil.copyfile(source, path), {})

    def _place(self, name: str, write: Callable[[Path], object], extra: dict[str, Any]) -> None:
        final = self._folder / name
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(f".{final.name}.partial")
        write(partial)
        self._files[name] = {"sha256": sha256(partial), "bytes": partial.stat().st_size, **extra}
        partial.replace(final)
        self.write()
        self.report(f"{name}  {self._files[name]['bytes']:,} bytes")

    def write(self) -> dict[str, Any]:
        origins = " ".join(sorted({entry["origin"] for entry in self._files.values() if "origin" in entry}))
        content = {
            "revision": hashlib.sha256(origins.encode()).hexdigest()[:12],
            "configs": self.configs,
            "files": dict(sorted(self._files.items())),
        }
        partial = self._folder / f".{MANIFEST}.partial"
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
        partial.replace(self._folder / MANIFEST)
        return content


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def sha256(path: Path) -> str:
    """The sha256 of a file, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
