"""The units of systemd that lie in `docs/systemd`, as its own program reads them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parent.parent / "docs" / "systemd").glob("*.service"))
OURS = "/opt/kandinsky-studio/.venv/bin/python"

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def complaints(text: str, place: Path) -> str:
    """What systemd says against a unit; a Python that is there stands in for that of the studio."""
    place.write_text(text.replace(OURS, sys.executable))
    read = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(place)], capture_output=True, text=True, check=False
    )
    told = [line for line in (read.stdout + read.stderr).splitlines() if place.name in line]
    return "\n".join(told)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_has_nothing_against_a_unit(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text("utf-8")
    assert OURS in text
    assert complaints(text, tmp_path / unit.name) == ""
    misspelt = text.replace("Restart=always", "Restart=allways").replace("PrivateTmp", "PrivatTmp")
    found = complaints(misspelt, tmp_path / f"bad-{unit.name}")
    assert "allways" in found and "PrivatTmp" in found


def test_there_is_one_for_the_bot_and_one_for_each_card() -> None:
    assert [unit.name for unit in UNITS] == ["kandinsky-bot.service", "kandinsky-worker@.service"]
    bot, worker = (unit.read_text("utf-8") for unit in UNITS)
    assert f"ExecStart={OURS} -m bot\n" in bot
    assert f"Environment=DEVICE=cuda:%i\nExecStart={OURS} -m inference worker\n" in worker
