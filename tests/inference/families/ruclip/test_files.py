"""Released files of both generations become nets, and configurations are not believed more than they deserve."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.checkpoints.convert import convert_model
from inference.checkpoints.manifest import Manifest
from inference.checkpoints.models import require
from inference.checkpoints.tensors import UnreadableCheckpoint
from inference.families.ruclip.config import read_config
from inference.families.ruclip.files import ELDER, MODELS
from inference.families.ruclip.inputs import ELDER_MEAN, ElderInputs, Inputs
from inference.families.ruclip.load import load, load_inputs, read
from inference.families.ruclip.nets import embed_texts
from tests.inference.families.ruclip.folders import YOUNGER, recording, write_elder, write_younger


def quiet(_: str) -> None: ...


def test_a_converted_version_embeds_as_the_released_one(tmp_path: Path) -> None:
    source, target = write_younger(tmp_path / "released"), tmp_path / "studio"
    convert_model(YOUNGER, require(source, YOUNGER), read, Manifest(target, quiet))
    for folder in (source, target):
        found = require(folder, YOUNGER)
        inputs = load_inputs(found)
        assert isinstance(inputs, Inputs)
        texts = embed_texts(load(found, torch.float32, "cpu"), inputs.ids(recording().meta["texts"]))
        assert torch.allclose(texts, recording().tensors["expected.text_embeds_raw"], atol=2e-5)


def test_the_elder_version_comes_in_other_names_and_sees_other_colours(tmp_path: Path) -> None:
    found = require(write_elder(tmp_path), ELDER)
    inputs = load_inputs(found)
    assert isinstance(inputs, ElderInputs)
    assert (inputs.context, inputs.look.size, inputs.look.mean) == (76, 32, ELDER_MEAN)
    assert set(load(found, torch.float32, "meta").state_dict()) == set(load(found, torch.float32, "cpu").state_dict())


def test_weights_that_the_configuration_does_not_describe_are_refused(tmp_path: Path) -> None:
    found = require(write_younger(tmp_path), YOUNGER)
    path = found.beside["config.json"]
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"image_resolution": 64}))
    with pytest.raises(UnreadableCheckpoint, match=r"it sees 32 pixels .* but config\.json says otherwise"):
        load(found, torch.float32, "meta")
    path.write_text(json.dumps(told | {"transformer_heads": 7}))
    with pytest.raises(UnreadableCheckpoint, match="do not describe such a net"):
        load(found, torch.float32, "meta")


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        {"context_length": 77, "image_resolution": 10**9, "transformer_heads": 8},
        {"context_length": "77", "image_resolution": 224, "transformer_heads": 8},
        {"context_length": True, "image_resolution": 224, "transformer_heads": 8},
        {"context_length": 77, "image_resolution": 224, "transformer_heads": 8, "std": [0.1, 0.0, 0.1]},
        {"context_length": 77, "image_resolution": 224, "transformer_heads": 8, "mean": "abc"},
        {"vision_config": 3, "text_config": {}},
        {"vision_config": {}},
    ],
)
def test_a_configuration_of_anything_else_is_refused(told: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(told))
    with pytest.raises(UnreadableCheckpoint, match=r"config\.json is no configuration of ruCLIP"):
        read_config(path)


def test_what_transformers_left_out_is_its_default(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"vision_config": {}, "text_config": {}}))
    told = read_config(path)
    assert (told.context, told.look.size, told.text_heads, told.vision_heads) == (76, 224, 8, 12)


def test_each_version_has_a_folder_of_its_own_with_its_own_words() -> None:
    places = [file.place for model in MODELS for file in model.files]
    assert len(set(places)) == 3 * len(MODELS) == 21
    assert all(file.place.startswith(f"{model.name}/") for model in MODELS for file in model.files)
