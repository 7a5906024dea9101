"""Secrets that lie in files, as containers are given them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.settings import Settings, SettingsError, load_settings
from inference.__main__ import app
from inference.queue.secret_files import MAX_SECRET_BYTES, secret_fields
from inference.worker.remote import RemoteError, RemoteSettings, remote_settings

TOKEN = "123456789:" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345678"
SECRETS = {
    "BOT_TOKEN": TOKEN,
    "WEBHOOK_SECRET": "geheim-geheim-geheim",
    "DATABASE_URL": "postgresql+asyncpg://studio:geheim@host/studio",
    "BLOBS_URL": "s3://geheim@bucket/blobs",
    "QUEUE_URL": "rediss://:geheim@host:6380/2",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in {*Settings.model_fields, *RemoteSettings.model_fields}:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


def plain(settings: object, name: str) -> str:
    value = getattr(settings, name.lower())
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def test_every_setting_that_may_be_secret_may_lie_in_a_file_and_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {name.upper() for name in secret_fields(Settings)} == set(SECRETS)
    for name, secret in SECRETS.items():
        (tmp_path / name).write_text(f"{secret}\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    settings = load_settings()
    assert {name: plain(settings, name) for name in SECRETS} == SECRETS
    assert "geheim" not in repr(settings) and TOKEN not in repr(settings)


def test_a_worker_elsewhere_reads_its_own_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {name.upper() for name in secret_fields(RemoteSettings)} == {"QUEUE_URL", "BLOBS_URL"}
    for name in ("QUEUE_URL", "BLOBS_URL"):
        (tmp_path / name).write_text(SECRETS[name])
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    settings = remote_settings(None)
    assert (settings.queue_url, settings.options.blobs_url) == (SECRETS["QUEUE_URL"], SECRETS["BLOBS_URL"])
    assert "geheim" not in repr(settings)
    (tmp_path / "QUEUE_URL").unlink()
    assert remote_settings("redis://elsewhere").queue_url == "redis://elsewhere", "the command line is nearest"


def test_a_file_wins_over_the_setting_and_dotenv_may_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "address").write_text("redis://by-file")
    (tmp_path / ".env").write_text(f"QUEUE_URL_FILE={tmp_path / 'address'}\nQUEUE_URL=redis://by-dotenv\n")
    assert load_settings().queue_url == "redis://by-file"
    monkeypatch.setenv("QUEUE_URL", "redis://by-environment")
    assert load_settings().queue_url == "redis://by-file"
    (tmp_path / "other").write_text("redis://by-other-file")
    monkeypatch.setenv("QUEUE_URL_FILE", str(tmp_path / "other"))
    assert load_settings().queue_url == "redis://by-other-file"
    assert load_settings(queue_url="redis://by-call").queue_url == "redis://by-call"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "one line"),
        (b"two words", "one line"),
        (b"geheim\ngeheim", "one line"),
        (b"x" * (MAX_SECRET_BYTES + 1), "one line"),
        (b"\xff\xfegeheim", "it is not text"),
        (None, "No such file"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_by_its_variable_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("QUEUE_URL_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("BLOBS_URL_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match=words) as refusal:
        load_settings()
    assert refusal.value.variable in ("QUEUE_URL_FILE", "BLOBS_URL_FILE") and "geheim" not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    with pytest.raises(RemoteError, match=words):
        remote_settings(None)
    for command in ("worker", "health"):
        ran = CliRunner().invoke(app, [command])
        assert ran.exit_code == 2 and "_FILE: " in ran.output and "geheim" not in ran.output


def test_a_place_that_cannot_be_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("~nobody-of-that-name/token", "/proc/self/mem", "."):
        monkeypatch.setenv("BOT_TOKEN_FILE", place)
        with pytest.raises(SettingsError, match=r"^BOT_TOKEN_FILE: .*cannot be read"):
            load_settings()
