"""The doctor's findings about folders that are whole, incomplete or empty."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inference import doctor
from inference.__main__ import app
from inference.doctor import doctor_report
from inference.families.kandinsky.files.store import EMBEDDED
from inference.queue.findings import Finding
from tests.inference.tiny import write_checkpoint

ROOT = Path(__file__).parents[2]


def about(checks: list[Finding], subject: str) -> Finding:
    (found,) = [check for check in checks if check.subject == subject]
    return found


def test_whole_weights_make_their_modes_work(tiny_folder: Path, tmp_path: Path) -> None:
    checks = doctor_report(tiny_folder, embedded=tmp_path)
    assert about(checks, "modes") == Finding(True, "modes", "flash, full, refine")
    assert about(checks, "full").ok and str(tiny_folder) in about(checks, "full").words
    assert about(checks, "inpaint").ok is None  # nobody asked for it
    assert not any(check.subject == "embedded" for check in checks)


def test_a_mode_that_lacks_a_file_is_named_with_the_file_and_its_size(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    (folder / "kandinsky3_flash.safetensors").unlink()
    checks = doctor_report(folder, embedded=tmp_path / "nothing")
    assert about(checks, "modes").words == "full, refine"
    assert "kandinsky3_flash.pt (12.2 GB)" in about(checks, "flash").words


def test_without_weights_the_embedded_checkpoint_draws_and_it_says_how_to_get_the_real_ones(
    tiny_folder: Path, tmp_path: Path
) -> None:
    checks = doctor_report(tmp_path / "weights", embedded=tiny_folder)
    assert about(checks, "modes").ok
    get = f"python -m inference weights install flash full inpaint --folder {tmp_path / 'weights'}"
    assert get in about(checks, "embedded").words


def test_weights_that_draw_nothing_from_words_are_idle_and_it_says_so(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "superres_x2.safetensors").write_bytes(bytes(1000))
    checks = doctor_report(folder, embedded=tiny_folder)
    assert about(checks, "x2").ok is None
    assert "idle without flash or full" in about(checks, "x2").words
    assert about(checks, "modes").words == "flash, full, refine"


def test_the_command_fails_only_when_nothing_can_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = doctor_report
    monkeypatch.setattr(doctor, "doctor_report", lambda weights: report(weights, embedded=tmp_path))
    hopeless = CliRunner().invoke(app, ["doctor", "--weights", str(tmp_path)])
    assert hopeless.exit_code == 1 and "none will work" in hopeless.output
    whole = write_checkpoint(tmp_path)
    fine = CliRunner().invoke(app, ["doctor"], env={"WEIGHTS_DIR": str(whole)})
    assert fine.exit_code == 0 and "flash, full" in fine.output


def test_missing_libraries_are_named_and_leave_nothing_to_work(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "NEEDED", ("torch", "no_such_library"))
    checks = doctor_report(tiny_folder)
    assert about(checks, "torch").ok and about(checks, "no_such_library").ok is False
    assert about(checks, "modes").ok is False


def test_it_looks_at_every_library_of_the_extra_that_draws() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["inference"]
    wanted = {re.split(r"[=<>]", requirement)[0] for requirement in extra} - {"numpy"}  # torch says when that lacks
    assert {doctor.DISTRIBUTIONS.get(name, name) for name in doctor.NEEDED} == wanted


def test_the_command_line_of_the_worker_loads_no_torch() -> None:
    code = "import sys, inference.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_that_is_shorter_than_it_says_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(EMBEDDED, folder)
    assert not [check for check in doctor_report(folder) if check.ok is False]
    victim = folder / "kandinsky3_flash.safetensors"
    whole = victim.read_bytes()
    for kept in (len(whole) // 2, 20):
        victim.write_bytes(whole[:kept])
        [check] = [check for check in doctor_report(folder) if check.subject == "cut short"]
        assert check.ok is False and "kandinsky3_flash" in check.words
