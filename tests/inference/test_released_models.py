"""Models of one file, from the hub to a checked folder, by the commands an owner types."""

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from inference.checkpoints.models import Model
from inference.doctor import doctor_report
from inference.families.realesrgan.nets import RRDBNet
from inference.models import MODELS, convert_models, found_models
from inference.weights import app
from tests.inference.families.kandinsky.files.hub import hub_of
from tests.inference.families.ruclip.folders import YOUNGER, write_younger

X2 = MODELS["realesrgan-x2"]


def quiet(_: str) -> None: ...


def run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A folder with a small net of two families, as the hub's files lie in it."""
    folder = write_younger(tmp_path / "released")
    path = folder / X2.weights.place
    path.parent.mkdir()
    torch.save({"params": RRDBNet(features=4, grow=2, blocks=1, fold=2, ups=2).state_dict()}, path)
    return folder


@pytest.fixture
def hub(released: Path, tmp_path: Path) -> Path:
    """The same as repositories of a hub."""
    for model in (X2, YOUNGER):
        for file in model.files:
            path = tmp_path / "hub" / file.repo / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            (released / file.place).rename(path)
    return tmp_path / "hub"


def test_models_are_fetched_by_name(hub: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    with hub_of(hub) as served:
        code, told = run("download", X2.name, YOUNGER.name, "--folder", folder, "--endpoint", served.address, "--yes")
    assert code == 0 and "RealESRGAN_x2.pth" in told
    assert list(found_models(folder)) == [X2.name, YOUNGER.name]


def test_a_model_that_does_not_exist_is_said_with_those_that_do(tmp_path: Path) -> None:
    code, told = run("download", "realesrgan-x3", "--folder", tmp_path)
    assert code == 1
    assert told.startswith("There is no realesrgan-x3. There are flash, ") and YOUNGER.name in told


def test_what_was_converted_is_whole_and_fits(released: Path, tmp_path: Path) -> None:
    target = tmp_path / "studio"
    code, told = run("convert", released, target)
    assert code == 0 and f"{X2.studio_file}  " in told
    assert list(found_models(target)) == [X2.name, YOUNGER.name]
    code, told = run("verify", "--folder", target)
    assert code == 0
    assert f"whole   {X2.studio_file}\n" in told and f"fits    {YOUNGER.name}\n" in told
    (target / YOUNGER.name / "bpe.model").write_text("no numbers")
    code, told = run("verify", "--folder", target)
    assert code == 1
    assert f"broken  {YOUNGER.name}/bpe.model  its bytes have changed" in told
    assert f"broken  {YOUNGER.name}  bpe.model cannot be read as a tokenizer" in told


def test_files_as_they_came_from_the_hub_are_verified_too(released: Path) -> None:
    code, told = run("verify", "--folder", released)
    assert (code, told.split()) == (0, ["fits", X2.name, "fits", YOUNGER.name])


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.checkpoints.convert.shutil.disk_usage", lambda _: type("Usage", (), {"free": 7}))
    code, told = run("convert", released, tmp_path / "studio")
    assert code == 1 and "7 are free" in told
    assert list((tmp_path / "studio").iterdir()) == []


def test_the_list_says_what_is_there_and_how_large_the_rest_would_be(released: Path) -> None:
    _, told = run("list", "--folder", released)
    lines = {line.split()[0]: line for line in told.split("embedded")[0].splitlines() if line.startswith("  ")}
    assert lines[X2.name].endswith(" ready")
    assert lines["realesrgan-x8"].endswith(" missing: realesrgan/RealESRGAN_x8.pth (67 MB)")
    assert "ruclip-vit-large-patch14-336  1.7 GB" in told


def test_the_doctor_tells_of_models_that_are_there_and_of_those_cut_short(released: Path, tmp_path: Path) -> None:
    target = tmp_path / "studio"
    convert_models(released, target, quiet)
    assert {check.subject for check in doctor_report(target)} >= {X2.name, YOUNGER.name}
    path = target / X2.studio_file
    path.write_bytes(path.read_bytes()[:-100])
    (short,) = [check for check in doctor_report(target) if check.subject == "cut short"]
    assert str(path) in short.words and short.ok is False


def test_no_two_models_share_a_name_or_a_place() -> None:
    def places(model: Model) -> list[str]:
        return [model.studio_file, *(file.place for file in model.files)]

    every = [place for model in MODELS.values() for place in places(model)]
    assert len(every) == len(set(every))
