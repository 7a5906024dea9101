"""What somebody has said so far: by flags, in `.env`, and in answer to questions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bot.settings import Settings
from bot.setup.env_file import EnvFile
from inference.queue.secret_files import secret_fields

SECRETS = tuple(name.upper() for name in secret_fields(Settings))


class Role(StrEnum):
    """What a machine does."""

    ALL = "all"
    BOT = "bot"
    WORKER = "worker"


class Step(StrEnum):
    """The parts of setting up, in their order."""

    TOKEN = "token"  # noqa: S105 - a word
    PEOPLE = "people"
    PLACES = "places"
    QUEUE = "queue"
    DEVICE = "device"
    MODES = "modes"
    DOCTOR = "doctor"


@dataclass(frozen=True)
class Given:
    """What the flags say; None where they say nothing."""

    role: Role | None = None
    only: frozenset[Step] = frozenset()
    yes: bool = False
    offline: bool = False
    token_file: Path | None = None
    telegram_api_url: str | None = None
    admins: str | None = None
    allowed: str | None = None
    data_dir: str | None = None
    weights_dir: str | None = None
    blobs_url: str | None = None
    queue_url: str | None = None
    queue_url_file: Path | None = None
    device: str | None = None
    modes: str | None = None


@dataclass
class Draft:
    """State: the settings that shall stand in `.env`, None for one that shall not."""

    file: EnvFile
    wanted: dict[str, str | None] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """What a setting will be; "" where it is not set."""
        return (self.wanted[name] if name in self.wanted else self.file.values.get(name)) or ""

    def outdone(self) -> list[str]:
        """Settings that the environment of this program sets otherwise, and therefore for naught."""
        said = {name.upper(): value for name, value in os.environ.items()}
        return [name for name, value in self.wanted.items() if said.get(name) and said[name] != (value or "")]


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program of ours that has no use for them is started with."""
    return {name: value for name, value in environment.items() if name.upper() not in SECRETS}
