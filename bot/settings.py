"""Every setting of the program: environment variables first, then a `.env` file, then the defaults below.

A field's name in capitals is its variable. `.env.example` describes each one for people. One that may be secret may lie
in a file that `…_FILE` names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from bot.texts.languages import Language
from inference.queue.address import QueueSettings
from inference.queue.environment import READ, REFUSALS, refused
from inference.queue.options import WorkerSettings
from inference.queue.secret_files import SECRET, WithSecretFiles

TOKEN_SHAPE = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{30,64}")


class SettingsError(Exception):
    """A setting that is missing or malformed. `variable` names it, `advice` says what to do, both on one line."""

    def __init__(self, variable: str, advice: str) -> None:
        super().__init__(f"{variable}: {advice}")
        self.variable = variable
        self.advice = advice


@contextmanager
def listening(variable: str, host: str, port: int) -> Iterator[None]:
    """Somebody begins to listen inside; where that is refused, it is a SettingsError of the variable of the port."""
    try:
        yield
    except OSError as taken:
        raise SettingsError(variable, f"cannot listen on {host}:{port}: {taken.strerror}") from taken


def _id_list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    words = re.split(r"[\s,;]+", value.strip())
    if any(word and not re.fullmatch(r"-?\d{1,19}", word) for word in words):
        raise ValueError("give Telegram ids as numbers with commas between them, like 12345,67890")
    return frozenset(int(word) for word in words if word)


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("give a whole address that begins with http:// or https://")
    return value.rstrip("/")


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


Ids = Annotated[frozenset[int], NoDecode, BeforeValidator(_id_list)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Folder = Annotated[Path, AfterValidator(_absolute)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(WorkerSettings, QueueSettings, WithSecretFiles):
    """Frozen; read once at start by `load_settings`. What is only for the worker stands in `WorkerSettings`, where
    the queue is in `QueueSettings`."""

    model_config = READ

    # Telegram
    bot_token: Annotated[SecretStr | None, SECRET] = None
    telegram_api_url: HttpUrl = "https://api.telegram.org"
    telegram_api_local: bool = False
    webhook_url: HttpUrl | None = None
    webhook_secret: Annotated[SecretStr | None, SECRET] = None
    webhook_host: str = "127.0.0.1"
    webhook_port: Port = 8080

    # Who draws
    workers: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = 1

    # Where things are kept
    data_dir: Folder = Path("data")
    database_url: Annotated[str, SECRET] = Field(
        default_factory=lambda given: f"sqlite+aiosqlite:///{given.get('data_dir', Path('data'))}/studio.db",
        repr=False,
    )
    blobs_url: Annotated[str, SECRET] = Field(
        default_factory=lambda given: str(given.get("data_dir", Path("data")) / "blobs"), repr=False
    )
    unused_files_days: Annotated[int, Field(ge=1, le=3650)] = 30
    upload_mb_per_person: Annotated[int, Field(ge=1)] = 2000
    upload_mb_total: Annotated[int, Field(ge=1)] = 50_000
    free_disk_mb: Annotated[int, Field(ge=0)] = 500
    weights_dir: Folder = Field(default_factory=lambda given: given.get("data_dir", Path("data")) / "weights")

    # People and limits
    allowed_users: Ids = frozenset()
    admin_ids: Ids = frozenset()
    waiting_per_person: Annotated[int, Field(ge=1, le=100)] = 3
    running_per_person: Annotated[int, Field(ge=1, le=100)] = 1
    pictures_waiting_per_person: Annotated[int, Field(ge=1, le=1000)] = 10
    messages_waiting_per_person: Annotated[int, Field(ge=1, le=1000)] = 40
    queue_cap: Annotated[int, Field(ge=1, le=100_000)] = 100
    max_wait_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 30
    default_language: Language = "en"

    # Programs
    api_port: Port | None = None
    api_host: str = "127.0.0.1"
    api_url: HttpUrl | None = None
    api_keys_file: Path | None = None

    # The program
    playground_port: Port = 8081
    metrics_port: Port | None = None
    metrics_host: str = "127.0.0.1"
    health_file: Folder = Field(default_factory=lambda given: given.get("data_dir", Path("data")) / "bot.health")

    @property
    def api_address(self) -> str | None:
        """Where programs find the door, as people are told; None where there is none."""
        if self.api_url is not None or self.api_port is None:
            return self.api_url
        return f"http://{self.api_host}:{self.api_port}"

    @field_validator("bot_token")
    @classmethod
    def _token_shape(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not TOKEN_SHAPE.fullmatch(token.get_secret_value()):
            raise ValueError("this is not a bot token; it looks like 123456789:AAE… and comes from @BotFather")
        return token

    @field_validator("webhook_secret")
    @classmethod
    def _secret_alphabet(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", secret.get_secret_value()):
            raise ValueError("use 16 to 256 letters, digits, _ or -; leave it empty to have one made from the token")
        return secret

    @field_validator("webhook_url")
    @classmethod
    def _webhook_path(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).path in ("", "/"):
            raise ValueError("add a path to the address, like https://bot.example.org/telegram")
        return url

    @field_validator("api_port")
    @classmethod
    def _own_port(cls, port: int | None, given: ValidationInfo) -> int | None:
        if port and given.data.get("webhook_url") and port == given.data.get("webhook_port"):
            raise ValueError("the webhook listens there already")
        return port

    @field_validator("database_url")
    @classmethod
    def _async_driver(cls, url: str) -> str:
        scheme, mark, rest = url.partition("://")
        drivers = {
            "sqlite": "sqlite+aiosqlite",
            "sqlite+aiosqlite": "sqlite+aiosqlite",
            "postgres": "postgresql+asyncpg",
            "postgresql": "postgresql+asyncpg",
            "postgresql+asyncpg": "postgresql+asyncpg",
        }
        nowhere = scheme.startswith("sqlite") and rest.lstrip("/") in ("", ":memory:")
        if not mark or scheme not in drivers or nowhere:
            raise ValueError("use sqlite:///path/to/file.db or postgresql://user:password@host/name")
        return f"{drivers[scheme]}://{rest}"

    @property
    def token(self) -> str:
        """The bot token. Raises SettingsError where none is set: only some commands need one."""
        if self.bot_token is None:
            raise SettingsError(
                "BOT_TOKEN",
                "not set; get a token from @BotFather and put it into .env, or try the bot without one: "
                "python -m bot demo",
            )
        return self.bot_token.get_secret_value()

    @property
    def webhook_secret_value(self) -> str:
        """What Telegram must send along: the one that was set, else one derived from the token."""
        if self.webhook_secret is not None:
            return self.webhook_secret.get_secret_value()
        return hashlib.sha256(b"webhook secret of " + self.token.encode()).hexdigest()


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` (field names) win over the environment. Raises SettingsError."""
    try:
        return Settings(**overrides)
    except REFUSALS as refusal:
        raise SettingsError(*refused(refusal)) from None
