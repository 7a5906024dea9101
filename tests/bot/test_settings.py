from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings
from inference.queue.address import shown_queue_url

ROOT = Path(__file__).parents[2]
TOKEN = "123456789:" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345678"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


def run_bot(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_everything_has_a_default_but_the_token(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/data/studio.db"
    assert settings.blobs_url == f"{tmp_path}/data/blobs"
    with pytest.raises(SettingsError, match=r"BOT_TOKEN.*BotFather"):
        _ = settings.token


def test_the_data_folder_moves_database_and_blobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "/srv/studio")
    settings = load_settings()
    assert settings.database_url == "sqlite+aiosqlite:////srv/studio/studio.db"
    assert settings.blobs_url == "/srv/studio/blobs"


def test_a_dotenv_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORKER_SLOTS=7\nQUEUE_CAP=9\nOTHER_PROGRAM=1\nWEBHOOK_URL=\n")
    monkeypatch.setenv("QUEUE_CAP", "5")
    settings = load_settings()
    assert (settings.worker_slots, settings.queue_cap, settings.webhook_url) == (7, 5, None)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BOT_TOKEN", "not-a-token"),
        ("BOT_TOKEN", TOKEN + " "),
        ("TELEGRAM_API_URL", "localhost:8081"),
        ("WEBHOOK_URL", "https://bot.example.org"),
        ("WEBHOOK_URL", "bot.example.org/path"),
        ("WEBHOOK_SECRET", "short"),
        ("WEBHOOK_PORT", "70000"),
        ("DATABASE_URL", "mysql://host/name"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("QUEUE_URL", "amqp://host"),
        ("QUEUE_URL", "redis://"),
        ("QUEUE_URL_FILE", "/no/such/file"),
        ("DEVICE", "tpu"),
        ("WORKER_SLOTS", "0"),
        ("WORKER_SLOTS", "many"),
        ("PREVIEWS", "perhaps"),
        ("ALLOWED_USERS", "anna,boris"),
        ("MAX_WAIT_MINUTES", "-1"),
        ("DEFAULT_LANGUAGE", "de"),
        ("PLAYGROUND_PORT", "-1"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_malformed_setting_is_named_on_one_line(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert refusal.value.variable == variable
    assert str(refusal.value).startswith(f"{variable}: ")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) > len(variable) + 15
    assert variable != "BOT_TOKEN" or value not in str(refusal.value)


def test_lists_of_ids_may_hold_groups_and_any_separators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_USERS", "1, 2;-1001234567890 4")
    assert load_settings().allowed_users == {1, 2, -1001234567890, 4}


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:////srv/a.db", "sqlite+aiosqlite:////srv/a.db"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
    ],
)
def test_database_addresses_get_their_async_driver(given: str, used: str) -> None:
    assert load_settings(database_url=given).database_url == used


def test_the_address_of_the_queue_is_not_shown() -> None:
    assert shown_queue_url("rediss://:geheim@host:6380/2") == "rediss://host:6380/2"
    assert load_settings(queue_url="unix:///run/r.sock?db=1").queue_url == "unix:///run/r.sock?db=1"
    assert "geheim" not in repr(load_settings(queue_url="redis://:geheim@host"))


def test_the_webhook_secret_is_derived_from_the_token_and_does_not_show_it() -> None:
    first, second = (load_settings(bot_token=TOKEN[:-1] + end).webhook_secret_value for end in "ab")
    assert first != second
    assert re.fullmatch(r"[A-Za-z0-9_-]{16,256}", first)
    assert load_settings(bot_token=TOKEN, webhook_secret="x" * 20).webhook_secret_value == "x" * 20


def test_the_token_is_not_in_the_settings_as_text() -> None:
    assert TOKEN not in repr(load_settings(bot_token=TOKEN))


def test_the_example_file_names_every_setting_with_its_default() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    shown = dict(line.lstrip("#").split("=", 1) for line in lines if re.match(r"#?[A-Z0-9_]+=", line))
    assert set(shown) == {name.upper() for name in Settings.model_fields}
    derived = {"DATA_DIR": "data"}
    for name, field in Settings.model_fields.items():
        if shown[name.upper()] and name.upper() not in derived:
            assert getattr(load_settings(**{name: shown[name.upper()]}), name) == getattr(load_settings(), name), name
        elif name.upper() not in derived:
            assert field.default_factory is not None or not field.default, f"{name} has a default that is not shown"


def test_without_a_token_the_program_says_so_and_ends_with_status_2() -> None:
    ended = run_bot()
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("BOT_TOKEN: ")
    assert ended.stderr.count("\n") == 1


def test_a_token_of_the_wrong_shape_is_refused_and_not_repeated() -> None:
    ended = run_bot("run", BOT_TOKEN="12345:secret-but-too-short")
    assert ended.returncode == 2
    assert ended.stderr.startswith("BOT_TOKEN: ")
    assert "secret" not in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_other_commands_need_no_token(tmp_path: Path) -> None:
    ended = run_bot("migrate", DATA_DIR=str(tmp_path / "here"))
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "here" / "studio.db").is_file()


def test_a_database_that_cannot_be_used_is_named_without_its_password() -> None:
    ended = run_bot("migrate", DATABASE_URL="postgresql://studio:geheim@127.0.0.1:1/studio")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("DATABASE_URL: ")
    assert "geheim" not in ended.stderr
