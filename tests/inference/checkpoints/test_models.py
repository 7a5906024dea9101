"""A released model is found however it came, converted once, and told from a file that only looks like one."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from inference.checkpoints.convert import convert_model
from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.manifest import Manifest, sha256
from inference.checkpoints.models import Model, find, require
from inference.checkpoints.released import ReleasedFile
from inference.checkpoints.tensors import State, UnreadableCheckpoint, read_tensors, state_in


def _file(path: str, size: int) -> ReleasedFile:
    return ReleasedFile("toys", "owner/toy-2", path, "toy", size, folder="toy-2")


TOY = Model(name="toy", weights=_file("deep/toy.bin", 5_000), beside=(_file("words.txt", 10),), once=("owner/toy",))


def quiet(_: str) -> None: ...


def read(path: Path) -> State:
    return state_in(read_tensors(path), "params")


def _write(weights: Path, words: Path) -> None:
    for path in (weights, words):
        path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"params": {"a": torch.ones(2, 3, dtype=torch.float16)}}, weights)
    words.write_text("so be it")


def _released(folder: Path) -> Path:
    _write(folder / "toy-2" / "deep" / "toy.bin", folder / "toy-2" / "words.txt")
    return folder


@pytest.mark.parametrize("repo", ["models--owner--toy-2", "models--owner--toy"])
def test_a_model_is_found_in_the_hubs_cache_under_either_name_of_its_repository(repo: str, tmp_path: Path) -> None:
    snapshot = tmp_path / repo / "snapshots" / "0123"
    _write(snapshot / "deep" / "toy.bin", snapshot / "words.txt")
    found = require(tmp_path, TOY)
    assert found.weights == snapshot / "deep" / "toy.bin"
    assert found.beside == {"words.txt": snapshot / "words.txt"}


def test_a_model_without_all_of_its_files_is_none(tmp_path: Path) -> None:
    (_released(tmp_path) / "toy-2" / "words.txt").unlink()
    assert find(tmp_path, TOY) is None
    with pytest.raises(MissingWeights, match=r"no toy in .*: toy-2/deep/toy.bin \(5 kB\)"):
        require(tmp_path, TOY)


def test_a_converted_model_holds_the_same_numbers_and_is_preferred(tmp_path: Path) -> None:
    source, target = _released(tmp_path / "released"), tmp_path / "studio"
    convert_model(TOY, require(source, TOY), read, Manifest(target, quiet))
    found = require(target, TOY)
    assert found.weights == target / "toy" / "model.safetensors"
    assert torch.equal(load_file(found.weights)["a"], torch.ones(2, 3))
    assert found.beside["words.txt"].read_text() == "so be it"
    assert {name: entry["sha256"] for name, entry in found.manifest["files"].items()} == {
        f"toy/{name}": sha256(target / "toy" / name) for name in ("model.safetensors", "words.txt")
    }
    convert_model(TOY, require(source, TOY), read, Manifest(source, quiet))
    assert require(source, TOY).weights == source / "toy" / "model.safetensors"


def test_converting_again_leaves_alone_what_is_there_and_notices_another_source(tmp_path: Path) -> None:
    source, target = _released(tmp_path / "released"), tmp_path / "studio"
    converted = target / "toy" / "model.safetensors"
    convert_model(TOY, require(source, TOY), read, Manifest(target, quiet))
    os.utime(converted, (1, 1))
    convert_model(TOY, require(source, TOY), read, Manifest(target, quiet))
    assert converted.stat().st_mtime == 1
    torch.save({"a": torch.zeros(2, 3)}, source / TOY.weights.place)
    convert_model(TOY, require(source, TOY), read, Manifest(target, quiet))
    assert not load_file(converted)["a"].any()


def test_what_the_shapes_do_not_tell_comes_along(tmp_path: Path) -> None:
    source, target = _released(tmp_path / "released"), tmp_path / "studio"
    (source / "manifest.json").write_text(json.dumps({"configs": {"toy": {"heads": 3}, "other": {}}}))
    convert_model(TOY, require(source, TOY), read, Manifest(target, quiet))
    assert require(target, TOY).manifest["configs"] == {"toy": {"heads": 3}}


def test_a_file_with_anything_but_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"params": {"a": torch.zeros(1), "epoch": 3}}, tmp_path / "toy.bin")
    with pytest.raises(UnreadableCheckpoint, match="'epoch' in it is no tensor but int"):
        read(tmp_path / "toy.bin")
