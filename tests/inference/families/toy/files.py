"""Where the toy's weights lie."""

from __future__ import annotations

from pathlib import Path

from inference.queue.options import WorkerOptions

NAME = "mosaic.safetensors"


def weights_of(options: WorkerOptions) -> Path | None:
    """The file of the painter, None where there is none."""
    path = options.weights_dir and options.weights_dir / NAME
    return path if path and path.is_file() else None
