"""The transcripts on disk, one file a flow."""

from __future__ import annotations

import difflib
from pathlib import Path

TRANSCRIPTS = Path(__file__).parent / "transcripts"


def path_of(name: str) -> Path:
    return TRANSCRIPTS / f"{name}.txt"


def record(name: str, transcript: str) -> None:
    TRANSCRIPTS.mkdir(exist_ok=True)
    path_of(name).write_text(transcript, encoding="utf-8")


def difference(name: str, transcript: str) -> str:
    """What is no longer as it was recorded, as a unified diff; empty where all is."""
    path = path_of(name)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(before.splitlines(), transcript.splitlines(), "recorded", "now", n=6, lineterm="")
    return "\n".join(lines)
