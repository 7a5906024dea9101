"""The replay of `python -m tests.parity` as tests: one for each recording."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.families.kandinsky.files.keys import unet_to_official
from inference.families.kandinsky.nets.unet import build_unet, denoise
from tests.inference.tiny import UNET
from tests.parity.__main__ import DEFAULT, main
from tests.parity.replay import RECORDINGS, replay


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", RECORDINGS)
def test_this_code_computes_what_the_published_code_computed(name: str) -> None:
    rows = replay(DEFAULT, name)
    assert rows
    assert [row for row in rows if not row.passed] == []


def test_other_dimensions_and_cases_are_read_from_the_files(tmp_path: Path) -> None:
    net = build_unet(UNET).to_empty(device="cpu")
    torch.manual_seed(5)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x, t, context, mask = torch.randn(2, 4, 8, 8), torch.tensor([3.0, 700.0]), torch.randn(2, 6, 32), torch.ones(2, 6)
    out = denoise(net, x, t, context, mask, torch.tensor([6, 6]))
    official = {f"unet.{name}": tensor for name, tensor in unet_to_official(net.state_dict()).items()}
    case = {"dusk.x": x, "dusk.t": t, "dusk.context": context, "dusk.context_mask": mask, "dusk.out": out}
    save_file({**official, **case, "null_embedding": torch.zeros(32)}, tmp_path / "unet_t2i_tiny.safetensors")
    dims = {"groups": UNET["groups"], "head_dim": UNET["attention_head_dim"]}
    told = {"unet_config_official": dims, "suggested_atol": 1e-5}
    (tmp_path / "unet_t2i_tiny.json").write_text(json.dumps(told))
    assert [(row.case, row.passed) for row in replay(tmp_path, "unet_t2i_tiny")] == [("dusk", True)]


def test_a_missing_recording_falls_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert all(name in told for name in RECORDINGS)
    assert "missing schedule.json" in told


def test_a_wrong_number_falls_short(tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_bytes((DEFAULT / "schedule.json").read_bytes())
    tensors = load_file(DEFAULT / "schedule.safetensors")
    tensors["betas"][500] *= 1.000001
    save_file(tensors, tmp_path / "schedule.safetensors")
    assert [row.case for row in replay(tmp_path, "schedule") if not row.passed] == ["betas"]
    assert main([str(tmp_path), "--only", "schedule"]) == 1
