import hashlib
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import huggingface_hub.utils._http
import pytest
from typer.testing import CliRunner

from inference.checkpoints import download
from inference.checkpoints.download import NotEnoughRoom, fetch, plan
from inference.checkpoints.hub import Absent, NotFetched
from inference.families.kandinsky.files.catalogue import KINDS, released_files
from inference.families.kandinsky.files.store import lacking, locate, revisions
from inference.families.kandinsky.files.verify import verify
from inference.weights import app
from tests.inference.families.kandinsky.files.hub import Hub, hub_of
from tests.inference.families.kandinsky.files.layouts import write_added, write_hub, write_v31

REPO = Path("ai-forever") / "Kandinsky3.1"


@pytest.fixture(scope="module")
def released(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repositories of a hub: every file that the catalogue names for flash, of tiny size."""
    return write_hub(tiny_folder, tmp_path_factory.mktemp("hub"))


@pytest.fixture
def hub(released: Path) -> Iterator[Hub]:
    with hub_of(released) as served:
        yield served


def test_a_plan_states_exact_sizes_and_fetches_nothing(hub: Hub, released: Path, tmp_path: Path) -> None:
    planned = plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address)
    sizes = {entry.file.path: entry.bytes for entry in planned.wanted}
    assert sizes["weights/kandinsky3_flash.pt"] == (released / REPO / "weights/kandinsky3_flash.pt").stat().st_size
    assert planned.bytes == sum(sizes.values())
    assert hub.gets == []
    assert "to download into" in list(planned.describe())[-1]


def test_fetched_files_are_the_published_ones_and_make_a_mode_complete(
    hub: Hub, released: Path, tmp_path: Path
) -> None:
    fetch(plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address), progress=False)
    assert lacking(locate(tmp_path), "flash") == []
    for entry in released_files("kandinsky-3.1", ["flash"]):
        if not entry.optional:
            assert (tmp_path / entry.path).read_bytes() == (released / REPO / entry.path).read_bytes()
    checked = hashlib.sha256((tmp_path / "weights/movq.pt").read_bytes()).hexdigest()
    assert revisions(locate(tmp_path))["movq"] == checked[:12]
    assert all(f.verdict == "whole" for f in verify(tmp_path) if "/" in f.name)


def test_files_that_are_here_are_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    fetch(plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address), progress=False)
    hub.gets.clear()
    again = plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address)
    assert (again.bytes, again.to_fetch) == (0, ())
    fetch(again, progress=False)
    assert hub.gets == []


def test_a_dropped_connection_goes_on_where_it_stopped(
    hub: Hub, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # 10 MB for real files
    hub.break_after = 100_000
    fetch(plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address), progress=False)
    resumed = [first for path, first in hub.gets if first > 0]
    assert resumed == [100_000]
    name = "weights/kandinsky3_flash.pt"
    assert (tmp_path / name).read_bytes() == (released / REPO / name).read_bytes()


def test_a_reset_connection_is_made_again(
    hub: Hub, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library passes on this one. What the kernel has not handed over is lost with the connection."""
    pauses: list[float] = []
    monkeypatch.setattr("inference.checkpoints.hub.time.sleep", pauses.append)
    planned = plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address)
    hub.break_after, hub.reset = 100_000, True
    fetch(planned, progress=False)
    assert pauses == [1.0]
    assert len(hub.gets) == len({path for path, _first in hub.gets}) + 1
    name = "weights/kandinsky3_flash.pt"
    assert (tmp_path / name).read_bytes() == (released / REPO / name).read_bytes()
    assert list(tmp_path.rglob("*.part")) == []


def test_a_second_start_goes_on_where_the_first_gave_up(hub: Hub, released: Path, tmp_path: Path, quick: None) -> None:
    """The hub pauses in the middle of a file until the first start gives up, in one line."""
    big = "weights/movq.pt"
    hub.break_after, hub.refusals = 100_000, {}
    command = ["download", "flash", "--yes", "--folder", str(tmp_path), "--endpoint", hub.address]

    def pauses(_seconds: float) -> None:
        if hub.break_after is None:
            hub.refusals[big] = [503] * 100

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
        patch.setattr("huggingface_hub.file_download.time.sleep", pauses)
        given_up = CliRunner().invoke(app, command)
    assert given_up.exit_code == 1
    assert given_up.stderr.count("\n") == 1
    assert big in given_up.stderr
    assert "All files" not in given_up.output
    hub.refusals.clear()
    hub.gets.clear()
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (f"{REPO.as_posix()}/{big}", 100_000) in hub.gets
    assert (tmp_path / big).read_bytes() == (released / REPO / big).read_bytes()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between tries is waited for: neither ours nor the library's."""
    monkeypatch.setattr("inference.checkpoints.hub.time.sleep", lambda _: None)


def test_an_optional_file_may_be_absent_a_needed_one_may_not(hub: Hub, released: Path, tmp_path: Path) -> None:
    absent = released / REPO / "weights" / "movq.pt"
    content = absent.read_bytes()
    absent.unlink()
    try:
        with pytest.raises(Absent, match=r"movq\.pt"):
            plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address)
    finally:
        absent.write_bytes(content)
    planned = plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address)
    assert planned.wanted
    assert not any(entry.file.optional for entry in planned.wanted)


@pytest.mark.parametrize("status", [503, 429, 500])
def test_a_hub_that_pauses_leaves_no_file_out(
    hub: Hub, released: Path, tmp_path: Path, quick: None, status: int
) -> None:
    optional = next(entry for entry in released_files("kandinsky-3.1", ["flash"]) if entry.optional)
    hub.refusals[optional.path] = [status] * 3
    there = released / REPO / optional.path
    there.write_text("{}")
    try:
        planned = plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address)
        assert optional.path in [entry.file.path for entry in planned.wanted]
        hub.refusals[optional.path] = [status] * 100
        with pytest.raises(NotFetched, match="check your connection") as given_up:
            plan(released_files("kandinsky-3.1", ["flash"]), tmp_path / "elsewhere", hub.address)
        assert "\n" not in str(given_up.value)
    finally:
        there.unlink()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_that_stays_is_told_at_once_with_what_to_do(
    status: int, hub: Hub, tmp_path: Path, quick: None
) -> None:
    hub.refusals["movq.pt"] = [status] * 100
    with pytest.raises(NotFetched, match=rf"movq\.pt.*{status}.*huggingface\.co/ai-forever/Kandinsky3\.1, .*login"):
        plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address)
    assert len(hub.refusals["movq.pt"]) >= 98


def test_a_disk_that_is_too_small_is_noticed_before_the_first_byte(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(released_files("kandinsky-3.1", ["flash"]), tmp_path, hub.address)
    monkeypatch.setattr(download, "_free", lambda _: planned.bytes)
    with pytest.raises(NotEnoughRoom, match=r"lacks 1\.0 GB"):
        fetch(planned, progress=False)
    assert hub.gets == []


def test_the_command_says_the_size_and_waits_for_a_yes(hub: Hub, tmp_path: Path) -> None:
    command = ["download", "flash", "--folder", str(tmp_path), "--endpoint", hub.address]
    asked = CliRunner().invoke(app, command)
    assert asked.exit_code == 1
    assert "to download into" in asked.output
    assert "--yes" in asked.output
    assert hub.gets == []
    done = CliRunner().invoke(app, [*command, "--yes"])
    assert done.exit_code == 0, done.output
    assert f"WEIGHTS_DIR={tmp_path}" in done.output


def test_a_mode_that_a_release_does_not_have_is_refused_by_name(hub: Hub, tmp_path: Path) -> None:
    command = ["download", "flash", "--release", "kandinsky-3.0", "--folder", str(tmp_path), "--endpoint", hub.address]
    asked = CliRunner().invoke(app, [*command, "--yes"])
    assert asked.exit_code == 1
    assert "kandinsky-3.0 has no flash" in asked.output


def test_an_unreachable_hub_is_told_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # between the library's retries
    command = ["download", "flash", "--folder", str(tmp_path), "--endpoint", "http://127.0.0.1:9"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "check your connection" in done.output
    assert "Traceback" not in done.output


def test_the_list_tells_what_is_ready_and_what_is_missing(tmp_path: Path) -> None:
    listed = CliRunner().invoke(app, ["list", "--folder", str(tmp_path)])
    assert listed.exit_code == 0, listed.output
    assert "missing: weights/flan_ul2_encoder/ (34.9 GB)" in listed.output


def test_converting_and_verifying_from_the_command_line(tiny_folder: Path, tmp_path: Path) -> None:
    source, target = write_v31(tiny_folder, tmp_path / "released"), tmp_path / "studio"
    converted = CliRunner().invoke(app, ["convert", str(source), str(target), "--dtype", "fp16"])
    assert converted.exit_code == 0, converted.output
    assert CliRunner().invoke(app, ["verify", "--folder", str(target)]).exit_code == 0
    (target / "movq.safetensors").write_bytes(b"gone")
    assert CliRunner().invoke(app, ["verify", "--folder", str(target)]).exit_code == 1


def test_files_of_other_repositories_go_to_folders_of_their_own(
    random_folder: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root, added = tmp_path_factory.mktemp("hub"), write_added(random_folder, tmp_path / "added")
    (root / "ai-forever").mkdir()
    (added / "superres").rename(root / "ai-forever" / "KandiSuperRes")
    with hub_of(root) as hub:
        fetch(plan(released_files("kandinsky-3.1", ["x2", "x4"]), tmp_path / "weights", hub.address), progress=False)
        assert plan(released_files("kandinsky-3.1", ["x4"]), tmp_path / "weights", hub.address).to_fetch == ()
    files = locate(tmp_path / "weights")
    assert [kind for kind in KINDS if not lacking(files, kind)] == ["x2", "x4"]
    ckpt = tmp_path / "weights" / "superres" / "KandiSuperRes.ckpt"
    assert revisions(files)["superres_x4"] == hashlib.sha256(ckpt.read_bytes()).hexdigest()[:12]
    ckpt.write_bytes(ckpt.read_bytes()[:-1] + b"x")
    findings = {finding.name: finding.detail for finding in verify(tmp_path / "weights") if finding.verdict == "broken"}
    assert findings["superres/KandiSuperRes.ckpt"] == "its bytes have changed"
