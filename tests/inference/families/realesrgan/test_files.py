"""Released files of Real-ESRGAN become nets, whichever way their tensors are wrapped."""

from pathlib import Path

import pytest
import torch

from inference.checkpoints.models import require
from inference.checkpoints.tensors import UnreadableCheckpoint
from inference.families.realesrgan.files import MODELS
from inference.families.realesrgan.load import load, read
from inference.families.realesrgan.nets import RRDBNet

X2, X4, X8 = MODELS


def _released(folder: Path, *, wrapped: str | None = None, fold: int = 1) -> Path:
    path = folder / X4.weights.place
    path.parent.mkdir(parents=True)
    state = RRDBNet(features=4, grow=2, blocks=2, fold=fold, ups=2).state_dict()
    torch.save({wrapped: state} if wrapped else state, path)
    return path


@pytest.mark.parametrize("wrapped", [None, "params", "params_ema"])
def test_the_dimensions_are_those_of_the_file(wrapped: str | None, tmp_path: Path) -> None:
    path = _released(tmp_path, wrapped=wrapped)
    net = load(require(tmp_path, X4), torch.float32, "cpu")
    assert net.scale == 4 and not net.training
    ours, theirs = net.state_dict(), read(path)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_net_of_other_layers_is_no_real_esrgan(tmp_path: Path) -> None:
    path = _released(tmp_path)
    state = {name: tensor.clone() for name, tensor in read(path).items()}  # no longer mapped from what is overwritten
    torch.save({**state, "body.1.rdb2.conv5.bias": torch.zeros(9)}, path)
    with pytest.raises(UnreadableCheckpoint, match=r"body\.1\.rdb2\.conv5\.bias"):
        load(require(tmp_path, X4), torch.float32, "meta")
    torch.save({"conv_last.weight": torch.zeros(3, 4, 3, 3)}, path)
    with pytest.raises(UnreadableCheckpoint, match="do not describe such a net"):
        load(require(tmp_path, X4), torch.float32, "meta")


def test_each_scale_is_a_file_of_its_own() -> None:
    assert [model.weights.path for model in MODELS] == ["RealESRGAN_x2.pth", "RealESRGAN_x4.pth", "RealESRGAN_x8.pth"]
    assert len({model.studio_file for model in MODELS}) == 3
