"""The released file holds more than the net uses, and less than it takes to know its stages."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from inference.checkpoints.convert import convert_model
from inference.checkpoints.manifest import Manifest
from inference.checkpoints.models import require
from inference.checkpoints.tensors import UnreadableCheckpoint
from inference.families.emojich.files import UNET
from inference.families.emojich.load import load, read
from tests.inference.families.emojich.recorded import recording, stages, state


def quiet(_: str) -> None: ...


def _released(folder: Path) -> Path:
    path = folder / UNET.weights.place
    path.parent.mkdir(parents=True)
    torch.save({**state(), "encoder._bn0.num_batches_tracked": torch.tensor(9)}, path)
    (folder / "manifest.json").write_text(json.dumps({"configs": {UNET.name: {"repeats": stages()}}}))
    return folder


def test_a_released_file_is_converted_with_what_its_shapes_do_not_tell(tmp_path: Path) -> None:
    source, target = _released(tmp_path / "released"), tmp_path / "studio"
    convert_model(UNET, require(source, UNET), read, Manifest(target, quiet))
    kept = load_file(target / UNET.studio_file)
    assert not any(name.startswith("encoder._conv_head") or "num_batches" in name for name in kept)
    given, out = recording().under("input."), recording().under("expected.")
    for folder in (source, target):
        net = load(require(folder, UNET), torch.float32, "cpu")
        assert torch.allclose(net(given["x"]), out["logits"], atol=1e-3)


def test_a_net_of_other_stages_is_not_the_one(tmp_path: Path) -> None:
    source = _released(tmp_path)
    (source / "manifest.json").unlink()
    with pytest.raises(UnreadableCheckpoint, match="do not describe such a net"):
        load(require(source, UNET), torch.float32, "meta")
