"""How the programs of a studio read their settings: variables of the environment first, then a `.env` file."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from inference.queue.secret_files import SecretFileError

READ = SettingsConfigDict(
    env_file=".env",
    env_file_encoding="utf-8",
    env_ignore_empty=True,
    extra="ignore",
    frozen=True,
    validate_default=True,
)
REFUSALS = (ValidationError, UnicodeDecodeError, SecretFileError)  # what reading them may raise


def refused(refusal: ValidationError | UnicodeDecodeError | SecretFileError) -> tuple[str, str]:
    """Which variable, or file, cannot be used and what to do about it: each one line, no value in it."""
    if isinstance(refusal, UnicodeDecodeError):
        return ".env", "the file is not UTF-8 text; save it as UTF-8"
    if isinstance(refusal, SecretFileError):
        return refusal.variable, refusal.advice
    first = refusal.errors(include_input=False, include_url=False)[0]
    variable = str(first["loc"][0]).upper() if first["loc"] else "settings"
    advice = first["msg"].removeprefix("Value error, ")
    return variable, advice if first["type"] == "value_error" else _plain(advice)


def _plain(message: str) -> str:
    return f"not a usable value: {message[:1].lower()}{message[1:]}"
