"""From the hub to a folder to draw from, in one command that goes on where it was."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inference.checkpoints.display import _Line, shown
from inference.families.kandinsky.files.catalogue import KINDS, held_bytes, ways
from inference.families.kandinsky.files.convert import convert, still_to_write
from inference.families.kandinsky.files.store import lacking, locate
from inference.queue.survey import Survey
from inference.survey import look
from inference.weights import app
from tests.inference.families.kandinsky.files.hub import Hub, hub_of
from tests.inference.families.kandinsky.files.layouts import state_dims, write_hub, write_v31


@pytest.fixture(scope="module")
def published(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hub(tiny_folder, tmp_path_factory.mktemp("hub"))


@pytest.fixture
def hub(published: Path) -> Iterator[Hub]:
    with hub_of(published) as served:
        yield served


class Studio:
    """A folder of weights, and the one where the hub's files lie before; the dimensions of tiny nets are stated."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder, self.released, self.hub = folder / "studio", folder / "released", hub
        self.released.mkdir()
        state_dims(self.released)

    def install(self, *kinds: str) -> str:
        places = ["--folder", str(self.folder), "--released", str(self.released)]
        done = CliRunner().invoke(app, ["install", *kinds, *places, "--endpoint", self.hub.address, "--yes"])
        assert done.exit_code == 0, done.output
        return done.output

    def ready(self, kind: str) -> bool:
        return not lacking(locate(self.folder), kind)


@pytest.fixture
def studio(hub: Hub, tmp_path: Path) -> Studio:
    return Studio(tmp_path, hub)


def test_one_command_makes_a_mode_complete_and_shows_both_halves(studio: Studio) -> None:
    said = studio.install("flash")
    assert studio.ready("flash") and not studio.ready("inpaint")
    for half in ("fetching", "converting"):
        (last,) = [line for line in said.splitlines() if line.startswith(half) and "100%" in line][-1:]
        assert " of " in last
    assert f"WEIGHTS_DIR={studio.folder}" in said


def test_what_is_converted_is_not_fetched_again_even_when_the_hubs_files_are_gone(studio: Studio) -> None:
    studio.install("flash")
    shutil.rmtree(studio.released)
    studio.released.mkdir()
    state_dims(studio.released)
    studio.hub.gets.clear()
    assert "All of it is in" in studio.install("flash")
    assert studio.hub.gets == []
    studio.install("flash", "inpaint")
    assert {Path(path).name for path, _first in studio.hub.gets} == {
        "kandinsky3_inpainting.pt",
        "projection_inpainting.pt",
    }
    assert studio.ready("flash") and studio.ready("inpaint")


def test_a_try_that_was_cut_short_is_gone_on_with(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("inference.families.kandinsky.files.convert.convert", stop)
        places = ["--folder", str(studio.folder), "--released", str(studio.released)]
        CliRunner().invoke(app, ["install", "flash", *places, "--endpoint", studio.hub.address, "--yes"])
    assert not studio.ready("flash")
    studio.hub.gets.clear()
    studio.install("flash")
    assert studio.hub.gets == []
    assert studio.ready("flash")


def test_nothing_is_fetched_before_a_yes_and_one_folder_is_not_enough(studio: Studio) -> None:
    command = ["install", "flash", "--folder", str(studio.folder), "--endpoint", studio.hub.address]
    asked = CliRunner().invoke(app, command)
    assert asked.exit_code == 1 and "--yes" in asked.output
    same = CliRunner().invoke(app, [*command, "--released", str(studio.folder), "--yes"])
    assert same.exit_code == 1 and "two folders" in same.output
    assert studio.hub.gets == []


def test_what_is_still_to_be_written_falls_to_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    source, target = write_v31(tiny_folder, tmp_path / "released"), tmp_path / "studio"
    before = still_to_write(source, target)
    written = convert(source, target, report=lambda _: None)["files"]
    size = sum(entry["bytes"] for name, entry in written.items() if name.endswith(".safetensors"))
    assert 0.8 * size < before < 1.5 * size
    assert still_to_write(source, target) == 0
    (target / "kandinsky3_flash.safetensors").unlink()
    assert 0 < still_to_write(source, target) < before


def test_a_survey_counts_what_has_come_and_names_what_is_ready(
    studio: Studio, hub: Hub, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = look(studio.folder, studio.released)
    assert fresh == Survey.model_validate_json(fresh.model_dump_json())
    assert fresh.devices[-1].name == "cpu" and fresh.ram > 0
    assert fresh.ready == ()
    assert fresh.nets["flash"].to_fetch == 12_154_673_000
    part = studio.released / "weights" / "kandinsky3_flash.pt.0123456789ab.part"
    part.parent.mkdir()
    part.write_bytes(bytes(5000))
    assert look(studio.folder, studio.released).nets["flash"].to_fetch == 12_154_673_000 - 5000
    studio.install("flash")
    settled = look(studio.folder, studio.released)
    assert settled.ready == ("flash",)
    assert {settled.nets[net].to_fetch for net in settled.modes["flash"]} == {0}
    monkeypatch.setattr("inference.survey.find_spec", lambda name: None if name == "torch" else object())
    assert look(studio.folder, studio.released).lacks == "torch"


def test_sizes_on_the_device_are_those_that_the_owner_reads_about() -> None:
    """The table of `docs/owner.md`."""
    gigabytes = {net: round(held_bytes(net) / 1e9, 1) for way in map(ways, KINDS) for nets in way for net in nets}
    assert (gigabytes["flash"], gigabytes["text_encoder"], gigabytes["movq"]) == (6.1, 17.4, 1.1)
    assert (gigabytes["ip_unet"], gigabytes["image_encoder"], gigabytes["control_depth"]) == (6.9, 1.2, 0.9)
    assert (gigabytes["superres_x2"], gigabytes["superres_x4"]) == (0.8, 0.8)
    assert round(held_bytes("hed_detector") / 1e6) == 59


def test_a_display_tells_the_speed_of_late_and_the_time_that_is_left() -> None:
    out = io.StringIO()
    line = _Line("fetching", 10_000_000_000, out)
    line.tell(0, 0.0)
    line.tell(1_000_000_000, 10.0)
    line.tell(1_000_000_001, 11.0)
    first, second = out.getvalue().splitlines()
    assert "0%" in first and "left" not in first
    assert "10%" in second and "100 MB/s" in second and "2 min left" in second


def test_a_display_ends_with_what_has_come_also_when_the_work_fails() -> None:
    out = io.StringIO()
    out.isatty = lambda: True  # type: ignore[method-assign]
    with pytest.raises(OSError, match="cut"), shown("fetching", 100, lambda: 40, out):
        raise OSError("cut")
    assert out.getvalue().endswith("\n")
    assert " 40%" in out.getvalue().splitlines()[-1]
