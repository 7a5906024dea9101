import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from inference.checkpoints.convert import DoesNotFit
from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.manifest import sha256
from inference.families.kandinsky.files.convert import convert
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.files.store import lacking, locate, model_card
from inference.families.kandinsky.files.verify import verify
from inference.requests import Kind
from tests.inference.families.kandinsky.files.layouts import write_diffusers, write_v30, write_v31

DRAWN: tuple[Kind, ...] = ("flash", "full", "refine", "inpaint", "outpaint")


def quiet(_: str) -> None: ...


def test_converted_weights_draw_like_the_released_ones(tiny_folder: Path, tmp_path: Path) -> None:
    source, target = write_v31(tiny_folder, tmp_path / "released"), tmp_path / "studio"
    convert(source, target, torch.float32, quiet)
    assert not any(lacking(locate(target), kind) for kind in DRAWN)
    for name in ("full", "flash", "inpainting"):
        ours, theirs = (Checkpoint.open(folder).load_unet(name, torch.float32, "cpu") for folder in (target, source))
        for part in ("unet", "projection"):
            a, b = getattr(ours, part).state_dict(), getattr(theirs, part).state_dict()
            assert a.keys() == b.keys()
            assert all(torch.equal(a[key], b[key]) for key in a)
        assert torch.equal(ours.null_embedding, theirs.null_embedding)
    ids = torch.tensor([[31, 14, 1]])
    hidden = [Checkpoint.open(f).load_encoder(torch.float32, "cpu")(ids).last_hidden_state for f in (target, source)]
    assert torch.equal(*hidden)


def test_names_in_the_studios_files_are_the_official_ones(tiny_folder: Path, tmp_path: Path) -> None:
    convert(write_diffusers(tiny_folder, tmp_path / "released"), tmp_path / "studio", torch.float16, quiet)
    with safe_open(tmp_path / "studio" / "kandinsky3.safetensors", "pt") as opened:
        names = set(opened.keys())
        assert opened.get_tensor("unet.in_layer.weight").dtype == torch.float16
    assert "unet.down_samples.1.resnet_attn_blocks.0.1.attention.to_query.weight" in names
    movq = load_file(tmp_path / "studio" / "movq.safetensors")
    assert movq["decoder.mid.attn_1.q.weight"].shape == (32, 32, 1, 1)
    assert {tensor.dtype for tensor in movq.values()} == {torch.float32}
    assert not any(name.startswith("quantize") for name in movq)


def test_the_manifest_vouches_for_every_file(tiny_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "studio"
    manifest = convert(write_v30(tiny_folder, tmp_path / "released"), target, torch.bfloat16, quiet)
    assert manifest == json.loads((target / "manifest.json").read_text())
    written = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert written == {*manifest["files"], "manifest.json"}
    for name, entry in manifest["files"].items():
        assert (entry["sha256"], entry["bytes"]) == (sha256(target / name), (target / name).stat().st_size)
    assert manifest["configs"]["unet"]["attention_head_dim"] == 8
    assert (
        model_card(target, tiny_folder).revisions["base"] == manifest["files"]["kandinsky3.safetensors"]["sha256"][:12]
    )


def test_an_interrupted_conversion_continues_where_it_stopped(tiny_folder: Path, tmp_path: Path) -> None:
    source, target = write_v31(tiny_folder, tmp_path / "released"), tmp_path / "studio"
    done: list[str] = []

    def interrupt(line: str) -> None:
        done.append(line.split()[0])
        if len(done) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(source, target, torch.bfloat16, interrupt)
    assert set(json.loads((target / "manifest.json").read_text())["files"]) == set(done)
    again: list[str] = []
    convert(source, target, torch.bfloat16, lambda line: again.append(line.split()[0]))
    assert not set(again) & {name for name in done if name.endswith(".safetensors")}
    assert not any(lacking(locate(target), kind) for kind in DRAWN)


def test_another_format_or_source_into_the_same_folder_is_not_taken_for_done(tiny_folder: Path, tmp_path: Path) -> None:
    source, target = write_v30(tiny_folder, tmp_path / "released"), tmp_path / "studio"
    convert(source, target, torch.bfloat16, quiet)
    convert(source, target, torch.float32, quiet)
    assert {tensor.dtype for tensor in load_file(target / "kandinsky3.safetensors").values()} == {torch.float32}
    content = torch.load(source / "weights" / "kandinsky3.pt", weights_only=True)
    torch.save({**content, "null_embedding": content["null_embedding"] + 1}, source / "weights" / "kandinsky3.pt")
    convert(source, target, torch.float32, quiet)
    null = load_file(target / "kandinsky3.safetensors")["null_embedding"]
    assert torch.equal(null, content["null_embedding"].flatten() + 1)


def test_whole_files_pass_the_check_and_a_changed_byte_does_not(tiny_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "studio"
    convert(write_v31(tiny_folder, tmp_path / "released"), target, torch.bfloat16, quiet)
    assert {finding.verdict for finding in verify(target)} == {"whole", "fits"}
    damaged = target / "movq.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x01")
    (target / "text_encoder" / "spiece.model").unlink()
    broken = {finding.name: finding.detail for finding in verify(target) if finding.verdict == "broken"}
    assert broken == {"movq.safetensors": "its bytes have changed", "text_encoder/spiece.model": "missing"}


def test_released_files_are_checked_as_nets(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    assert {finding.name for finding in verify(folder) if finding.verdict == "fits"} == {
        "base",
        "flash",
        "inpainting",
        "movq",
    }
    (folder / "weights" / "kandinsky3_flash.pt").write_bytes(b"half a file")
    assert [finding.name for finding in verify(folder) if finding.verdict == "broken"] == ["flash"]


def test_an_empty_folder_has_nothing_to_convert_or_verify(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="nothing to convert"):
        convert(tmp_path, tmp_path / "studio", report=quiet)
    with pytest.raises(MissingWeights, match="no weights"):
        list(verify(tmp_path))


def test_a_full_disk_is_noticed_before_anything_is_written(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(DoesNotFit, match="1,000 are free"):
        convert(write_v31(tiny_folder, tmp_path / "released"), tmp_path / "studio", report=quiet)
    assert not list((tmp_path / "studio").rglob("*.safetensors"))


def test_room_is_foreseen_for_half_precision_that_is_widened(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_diffusers(tiny_folder, tmp_path / "released")
    manifest = convert(source, tmp_path / "one", torch.float32, quiet)
    taken = sum(entry["bytes"] for name, entry in manifest["files"].items() if name.endswith(".safetensors"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": taken * 9 // 10})())
    with pytest.raises(DoesNotFit):
        convert(source, tmp_path / "two", torch.float32, quiet)
