"""`.env` as setup leaves it: every other line to the letter, readable by its owner alone, read back as it was meant."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import load_settings
from bot.setup.env_file import MOST_BYTES, EnvFile, EnvFileError
from tests.bot.test_settings import TOKEN

OLD = """# mine
DATA_DIR=/srv/studio   # where it was
export LOG_LEVEL='DEBUG'

# two of them: the second counts
DEVICE=cpu
device=cuda:0
ODD LINE
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text(OLD, "utf-8")
    path.chmod(0o644)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_changed_setting_leaves_every_other_line_as_it_is(file: Path) -> None:
    EnvFile(file).write({"DATA_DIR": "/mnt/new", "WEIGHTS_DIR": "/mnt/w"})
    assert file.read_text("utf-8") == OLD.replace("DATA_DIR=/srv/studio   # where it was", "DATA_DIR=/mnt/new") + (
        "WEIGHTS_DIR=/mnt/w\n"
    )


def test_of_a_setting_that_stands_there_twice_one_is_left(file: Path) -> None:
    env = EnvFile(file)
    assert env.values["DEVICE"] == "cuda:0"
    env.write({"DEVICE": "cuda:1"})
    assert env.values["DEVICE"] == "cuda:1"
    assert file.read_text("utf-8").upper().count("DEVICE=") == 1


def test_a_setting_can_be_taken_out(file: Path) -> None:
    EnvFile(file).write({"LOG_LEVEL": None})
    assert "LOG_LEVEL" not in file.read_text("utf-8")
    assert "# two of them" in file.read_text("utf-8")


def test_nobody_else_may_read_it_whatever_it_was_before(file: Path, tmp_path: Path) -> None:
    EnvFile(file).write({"BOT_TOKEN": TOKEN})
    assert mode(file) == 0o600
    fresh = tmp_path / "fresh" / ".env"
    fresh.parent.mkdir()
    EnvFile(fresh).write({"BOT_TOKEN": TOKEN})
    assert mode(fresh) == 0o600
    assert [path.name for path in fresh.parent.iterdir()] == [".env"]


def test_what_would_change_is_told_without_a_secret(file: Path) -> None:
    env = EnvFile(file)
    env.write({"BOT_TOKEN": TOKEN})
    changes = env.changes(
        {
            "BOT_TOKEN": TOKEN.replace("A", "B"),
            "DATABASE_URL": "postgresql://studio:geheim@host/studio",
            "DATA_DIR": "/srv/studio",
            "LOG_LEVEL": None,
        }
    )
    told = "\n".join(map(str, changes))
    assert [change.name for change in changes] == ["BOT_TOKEN", "DATABASE_URL", "LOG_LEVEL"]
    assert "geheim" not in told and TOKEN.partition(":")[2] not in told and "(hidden)" in told
    assert "- LOG_LEVEL (was DEBUG)" in told


def test_a_link_stays_one_and_what_it_points_to_is_written(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    EnvFile(link).write({"DEVICE": "mps"})
    assert link.is_symlink()
    assert EnvFile(file).values["DEVICE"] == "mps"


def test_an_empty_or_missing_file_begins_with_where_the_rest_is_described(tmp_path: Path) -> None:
    EnvFile(tmp_path / ".env").write({"DEVICE": "cpu"})
    first, *rest = (tmp_path / ".env").read_text("utf-8").splitlines()
    assert ".env.example" in first
    assert rest == ["DEVICE=cpu"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"A=" + b"x" * MOST_BYTES], ids=["no text", "too large"])
def test_what_is_no_such_file_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(EnvFileError):
        EnvFile(tmp_path / ".env").write({"DEVICE": "cpu"})
    assert (tmp_path / ".env").read_bytes() == content


def test_a_folder_that_nobody_may_write_to_is_told_in_one_line(tmp_path: Path) -> None:
    env = EnvFile(tmp_path / "gone" / ".env")
    with pytest.raises(EnvFileError, match="cannot be written"):
        env.write({"DEVICE": "cpu"})


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_a_value_is_read_back_as_it_was_or_refused(value: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / ".env"
        path.write_text("LOG_LEVEL=INFO\n")
        env = EnvFile(path)
        try:
            env.write({"DATA_DIR": value, "DEVICE": "cpu"})
        except EnvFileError:
            assert path.read_text() == "LOG_LEVEL=INFO\n"
            return
        read = EnvFile(path).values
        assert read == {"LOG_LEVEL": "INFO", "DATA_DIR": value, "DEVICE": "cpu"}


def test_the_program_reads_it_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BOT_TOKEN", "DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "it's a \\ # folder"
    EnvFile(Path(".env")).write({"BOT_TOKEN": TOKEN, "DATA_DIR": str(folder)})
    settings = load_settings()
    assert settings.token == TOKEN
    assert settings.data_dir == folder
