"""Secrets that lie in files: where a setting X may hold one, X_FILE names a file whose only line it is.

So they stand in no environment, which others can read and programs inherit, and containers are given them as mounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from pydantic_settings.sources import DotEnvSettingsSource, EnvSettingsSource

MAX_SECRET_BYTES = 4096


class _Secret:
    """What `SECRET` is: a mark in the annotation of a field, `Annotated[str, SECRET]`."""


SECRET: Final = _Secret()


class SecretFileError(ValueError):
    """A file that was named for a secret and does not hold one. The message shows nothing of what it holds."""

    def __init__(self, variable: str, advice: str) -> None:
        super().__init__(f"{variable}: {advice}")
        self.variable = variable
        self.advice = advice


def secret_fields(settings: type[BaseModel]) -> tuple[str, ...]:
    """Names of the fields that may hold a secret, and may therefore lie in a file."""
    return tuple(name for name, field in settings.model_fields.items() if SECRET in field.metadata)


def read_secret(file: Path, variable: str) -> str:
    """The only word of a file. Raises SecretFileError in the name of the variable that says where it lies."""
    try:
        with file.expanduser().open("rb") as opened:
            content = opened.read(MAX_SECRET_BYTES + 1)
        words = content.decode().split()
    except UnicodeDecodeError:
        raise SecretFileError(variable, f"{file} cannot be read: it is not text") from None
    except (OSError, RuntimeError, ValueError) as unreadable:  # RuntimeError: nobody of that name has a home
        why = getattr(unreadable, "strerror", None) or unreadable
        raise SecretFileError(variable, f"{file} cannot be read: {why}") from None
    if len(words) != 1 or len(content) > MAX_SECRET_BYTES:
        raise SecretFileError(variable, f"{file} should hold one line without spaces, and nothing else")
    return words[0]


class SecretFiles(PydanticBaseSettingsSource):
    """The secrets whose files are named in the environment, else in `.env`. A file wins over the setting itself."""

    def __init__(self, settings: type[BaseSettings], *named_in: PydanticBaseSettingsSource) -> None:
        super().__init__(settings)
        self._named_in: tuple[Mapping[str, str | None], ...] = tuple(
            source.env_vars for source in named_in if isinstance(source, EnvSettingsSource | DotEnvSettingsSource)
        )

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The secret, or None where no file is named for it. Raises SecretFileError."""
        file = next(filter(None, (names.get(f"{field_name}_file") for names in self._named_in)), None)
        secret = None if file is None else read_secret(Path(file), f"{field_name}_file".upper())
        return secret, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name in secret_fields(self.settings_cls):
            if name in self.current_state:  # given by the call, nearer than any file
                continue
            secret, key, _ = self.get_field_value(self.settings_cls.model_fields[name], name)
            if secret is not None:
                found[key] = secret
        return found


class WithSecretFiles(BaseSettings):
    """Settings whose fields marked `SECRET` may lie in files. Reading them raises SecretFileError too."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = SecretFiles(settings_cls, env_settings, dotenv_settings)
        return init_settings, files, env_settings, dotenv_settings
