"""The nets of all modes besides text to image: found, loaded, converted and checked in the layouts they come in."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.tensors import UnreadableCheckpoint
from inference.families.kandinsky.files.catalogue import KINDS, UNet
from inference.families.kandinsky.files.convert import convert
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.files.store import describe_lack, lacking, locate, model_card, nets_of, unet_nets
from inference.families.kandinsky.files.verify import verify
from inference.requests import Kind
from tests.inference.families.kandinsky.files.layouts import write_added, write_v31


def unet(name: UNet) -> Callable[[Checkpoint], nn.Module]:
    """The U-Net with its projection as one module."""

    def load(checkpoint: Checkpoint) -> nn.Module:
        loaded = checkpoint.load_unet(name, torch.float32, "cpu")
        return nn.ModuleList([loaded.unet, loaded.projection])

    return load


NETS: dict[str, Callable[[Checkpoint], nn.Module]] = {
    "mix": unet("mix"),
    "mix_flash": unet("mix_flash"),
    "hed": unet("hed"),
    "depth": lambda checkpoint: checkpoint.load_control("control_depth", torch.float32, "cpu"),
    "scribble": lambda checkpoint: checkpoint.load_control("control_scribble", torch.float32, "cpu"),
    "x2": lambda checkpoint: checkpoint.load_superres("superres_x2", torch.float32, "cpu"),
    "x4": lambda checkpoint: checkpoint.load_superres("superres_x4", torch.float32, "cpu"),
    "flash_x2": lambda checkpoint: checkpoint.load_superres("superres_flash_x2", torch.float32, "cpu"),
    "image_encoder": lambda checkpoint: checkpoint.load_clip(torch.float32, "cpu"),
    "hed_detector": lambda checkpoint: checkpoint.load_hed(torch.float32, "cpu"),
}
ROUNDED = {"depth": 8e-3, "scribble": 8e-3, "x4": 1e-3}  # released in 16 bits


@pytest.fixture(scope="module")
def released(random_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything as it is released."""
    folder = write_v31(random_folder, tmp_path_factory.mktemp("released"))
    return write_added(random_folder, folder)


@pytest.fixture(scope="module")
def studio(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, converted."""
    target = tmp_path_factory.mktemp("studio")
    convert(released, target, torch.float32, lambda line: None)
    return target


def same(ours: nn.Module, theirs: nn.Module, tolerance: float = 0.0) -> bool:
    a, b = ours.state_dict(), theirs.state_dict()
    return a.keys() == b.keys() and all(torch.allclose(a[name], b[name], atol=tolerance, rtol=tolerance) for name in a)


@pytest.mark.parametrize("net", NETS)
def test_released_files_give_the_nets_of_the_studios_layout(net: str, released: Path, random_folder: Path) -> None:
    ours, theirs = (NETS[net](Checkpoint.open(folder)) for folder in (released, random_folder))
    assert same(ours, theirs, ROUNDED.get(net, 0.0))


@pytest.mark.parametrize("net", NETS)
def test_converted_files_give_the_nets_of_the_released_ones(net: str, released: Path, studio: Path) -> None:
    ours, theirs = (NETS[net](Checkpoint.open(folder)) for folder in (studio, released))
    assert same(ours, theirs)


@pytest.mark.parametrize("which", ["released", "studio", "random_folder"])
def test_every_kind_finds_its_nets_in_every_layout(which: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(which)
    card = model_card(folder)
    assert (card.kinds, card.missing) == (KINDS, {})
    for kind in KINDS:
        assert set(nets_of(locate(folder), kind)) <= card.revisions.keys()


def test_an_adapter_on_the_base_unet_is_split_off(studio: Path, released: Path) -> None:
    assert unet_nets(locate(released), "mix") == ("ip_unet",)
    assert unet_nets(locate(studio), "mix") == ("base", "projection", "ip_adapter")
    assert not (studio / "kandinsky3_ip.safetensors").exists()
    adapter = load_file(studio / "ip_adapter.safetensors")
    assert "up_samples.0.resnet_attn_blocks.0.1.attention.processor.to_key_ip.weight" in adapter
    assert not any(name.startswith("in_layer") for name in adapter)


@pytest.fixture
def few(released: Path, tmp_path: Path) -> Path:
    """The base U-Net and the file with the adapter, nothing else."""
    folder = tmp_path / "source"
    for name in ("weights/kandinsky3.pt", "weights/flan_ul2_encoder/projection.pt", "manifest.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(released / name, folder / name)
    shutil.copytree(released / "ip_adapter" / "unet", folder / "ip_adapter" / "unet")
    return folder


@pytest.mark.parametrize("changed", ["out_layer.2.bias", "projection_ln.bias"])
def test_an_adapter_on_another_unet_is_kept_with_it(changed: str, few: Path, tmp_path: Path) -> None:
    path = few / "ip_adapter" / "unet" / "diffusion_pytorch_model.bin"
    content = torch.load(path, weights_only=True)
    content[changed] = content[changed] + 1e-6
    torch.save(content, path)
    lines: list[str] = []
    convert(few, tmp_path / "studio", torch.float32, lines.append)
    assert any("1 tensors differ" in line for line in lines)
    assert unet_nets(locate(tmp_path / "studio"), "mix") == ("ip_unet",)
    ours, theirs = (NETS["mix"](Checkpoint.open(folder)) for folder in (tmp_path / "studio", few))
    assert same(ours, theirs)


def test_an_adapter_without_the_base_unet_beside_it_is_kept_whole(few: Path, tmp_path: Path) -> None:
    shutil.rmtree(few / "weights")
    convert(few, tmp_path / "studio", torch.bfloat16, lambda line: None)
    assert unet_nets(locate(tmp_path / "studio"), "mix") == ("ip_unet",)


def test_a_second_conversion_writes_nothing_anew(studio: Path, released: Path) -> None:
    again: list[str] = []
    convert(released, studio, torch.float32, again.append)
    assert not any(line.split()[0].endswith(".safetensors") for line in again)


def test_half_precision_spares_the_nets_that_look_at_pictures(released: Path, tmp_path: Path) -> None:
    convert(released, tmp_path, torch.bfloat16, lambda line: None)
    formats = {path.name: next(iter(load_file(path).values())).dtype for path in tmp_path.glob("*.safetensors")}
    assert formats["control_depth.safetensors"] == formats["ip_adapter.safetensors"] == torch.bfloat16
    assert formats["superres_x2.safetensors"] == torch.float16
    assert formats["hed.safetensors"] == formats["movq.safetensors"] == torch.float32
    clip = load_file(tmp_path / "image_encoder" / "model.safetensors")
    assert {tensor.dtype for tensor in clip.values()} == {torch.float32}


def test_every_net_is_checked_and_a_damaged_one_is_named(released: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(released, source)
    shutil.rmtree(source / "weights")
    (source / "superres" / "KandiSuperRes.ckpt").write_bytes(b"half a file")
    findings = {finding.name: finding.verdict for finding in verify(source)}
    assert findings.pop("superres_x4") == "broken"
    assert findings.keys() == {
        "ip_unet", "hed_unet", "control_depth", "control_scribble", "superres_x2", "superres_flash_x2",
        "image_encoder", "hed_detector",
    }  # fmt: skip
    assert set(findings.values()) == {"fits"}


def test_a_net_of_another_kind_under_the_name_is_refused(random_folder: Path, tmp_path: Path) -> None:
    shutil.copy(random_folder / "hed.safetensors", tmp_path / "superres_x2.safetensors")
    shutil.copy(random_folder / "superres_x2.safetensors", tmp_path / "hed.safetensors")
    checkpoint = Checkpoint.open(tmp_path)
    for load in (NETS["x2"], NETS["hed_detector"]):
        with pytest.raises(UnreadableCheckpoint):
            load(checkpoint)


def test_an_adapter_for_a_unet_of_another_width_is_refused(random_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(random_folder, folder)
    state = load_file(folder / "ip_adapter.safetensors")
    state["image_norm.weight"], state["image_norm.bias"] = torch.ones(8), torch.zeros(8)
    save_file(state, folder / "ip_adapter.safetensors")
    with pytest.raises(UnreadableCheckpoint, match="kandinsky3"):
        Checkpoint.open(folder).load_unet("mix", torch.float32, "cpu")


@pytest.mark.parametrize("net", NETS)
def test_a_net_that_is_not_there_is_said_to_be_missing(net: str, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=str(tmp_path)):
        NETS[net](Checkpoint.open(tmp_path))


@pytest.mark.parametrize(
    ("gone", "kinds", "told"),
    [
        ("ip_adapter/image_encoder", {"mix", "mix_flash"}, "ip_adapter/image_encoder/model.safetensors (1.2 GB)"),
        ("ip_adapter/unet", {"mix", "mix_flash"}, "ip_adapter/unet/diffusion_pytorch_model.bin (13.7 GB)"),
        ("controlnet_hed", {"hed"}, "controlnet_hed/unet/diffusion_pytorch_model.bin (12.2 GB)"),
        ("controlnet_depth", {"depth"}, "controlnet_depth/unet_controlnet/diffusion_pytorch_model.bin (939 MB)"),
        ("annotators", {"hed", "scribble"}, "annotators/ControlNetHED.pth (29 MB)"),
        ("superres/KandiSuperRes.ckpt", {"x4"}, "superres/KandiSuperRes.ckpt (827 MB)"),
    ],
)
def test_what_a_kind_lacks_is_named_with_its_size(
    gone: str, kinds: set[Kind], told: str, released: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(released, folder)
    (shutil.rmtree if (folder / gone).is_dir() else Path.unlink)(folder / gone)
    files = locate(folder)
    assert {kind for kind in KINDS if lacking(files, kind)} == kinds
    assert all(describe_lack(files, kind).startswith(told) for kind in kinds)


def test_the_cache_of_the_hub_serves_as_a_weights_folder(released: Path, tmp_path: Path) -> None:
    places = {
        "ip_adapter": "ai-forever/kandinsky3_ip_adapter",
        "controlnet_hed": "ai-forever/kandinsky3_controlnet_hed",
        "controlnet_depth": "ai-forever/kandinsky3_controlnet_v2_depth",
        "controlnet_scribble": "ai-forever/kandinsky3_controlnet_v2_scribble",
        "superres": "ai-forever/KandiSuperRes",
        "annotators": "lllyasviel/Annotators",
        "weights": "ai-forever/Kandinsky3.1",
    }
    for folder, repo in places.items():
        snapshot = tmp_path / f"models--{repo.replace('/', '--')}" / "snapshots" / "0123abc"
        shutil.copytree(released / folder, snapshot / "weights" if folder == "weights" else snapshot)
    files = locate(tmp_path)
    assert [kind for kind in KINDS if lacking(files, kind)] == []
    assert files.nets.keys() == locate(released).nets.keys()
