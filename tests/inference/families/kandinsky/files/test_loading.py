import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import Kandinsky3UNet
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import T5Config, T5EncoderModel

from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.tensors import UnreadableCheckpoint, read_tensors
from inference.engine.loop import Drawn
from inference.families.kandinsky.conditioning import null_context
from inference.families.kandinsky.files.keys import unet_to_official
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.files.store import lacking, locate
from inference.families.kandinsky.nets.unet import build_unet, denoise
from inference.requests import TextToImage
from tests.inference.engine.fakes import engine_of
from tests.inference.families.kandinsky.files.layouts import write_diffusers, write_v30, write_v31
from tests.inference.tiny import MOVQ, TOKENIZER, UNET, TinyKit

Layout = Callable[[Path, Path], Path]
LAYOUTS = pytest.mark.parametrize(("write", "tolerance"), [(write_v31, 0.0), (write_v30, 0.0), (write_diffusers, 2e-3)])


def same(ours: nn.Module, theirs: nn.Module, tolerance: float) -> bool:
    a, b = ours.state_dict(), theirs.state_dict()
    return a.keys() == b.keys() and all(torch.allclose(a[name], b[name], atol=tolerance, rtol=tolerance) for name in a)


@LAYOUTS
def test_every_released_layout_gives_the_same_nets(
    tiny_folder: Path, tmp_path: Path, write: Layout, tolerance: float
) -> None:
    theirs, ours = Checkpoint.open(tiny_folder), Checkpoint.open(write(tiny_folder, tmp_path))
    expected, unet = (checkpoint.load_unet("full", torch.float32, "cpu") for checkpoint in (theirs, ours))
    assert same(unet.unet, expected.unet, tolerance)
    assert same(unet.projection, expected.projection, tolerance)
    assert same(ours.load_movq(torch.float32, "cpu"), theirs.load_movq(torch.float32, "cpu"), tolerance)
    tokenizer, encoder = ours.load_text_encoder(torch.float32, "cpu")
    assert same(encoder, theirs.load_encoder(torch.float32, "cpu"), tolerance)
    assert tokenizer("a cat")["input_ids"] == theirs.load_tokenizer()("a cat")["input_ids"]


def drawn_by_engine(folder: Path) -> torch.Tensor:
    """A picture, uint8 [H, W, 3], that needs nothing but the nets of full quality."""
    engine = engine_of(TinyKit(folder))
    engine.add(1, TextToImage(prompt="a red fox", width=64, height=64, seeds=(1,), steps=2, guidance_scale=0))
    ends: list[Drawn] = []
    while len(engine):
        ends += [event for _, event in engine.turn() if isinstance(event, Drawn)]
    (picture,) = ends[0].drawing.pictures
    return picture


@LAYOUTS
def test_every_released_layout_draws_the_same_picture(
    tiny_folder: Path, tmp_path: Path, write: Layout, tolerance: float
) -> None:
    expected, picture = (drawn_by_engine(folder).float() for folder in (tiny_folder, write(tiny_folder, tmp_path)))
    assert (picture - expected).abs().max() <= 255 * tolerance * 4
    assert expected.std() > 10


@pytest.mark.parametrize("write", [write_v31, write_v30])
def test_a_null_embedding_of_any_rank_comes_out_flat(tiny_folder: Path, tmp_path: Path, write: Layout) -> None:
    expected = load_file(tiny_folder / "kandinsky3.safetensors")["null_embedding"]
    loaded = Checkpoint.open(write(tiny_folder, tmp_path)).load_unet("full", torch.float32, "cpu")
    assert torch.equal(loaded.null_embedding, expected)


def test_the_layout_without_a_null_embedding_is_unconditional_as_in_diffusers(
    tiny_folder: Path, tmp_path: Path
) -> None:
    folder = write_diffusers(tiny_folder, tmp_path)
    path = next((folder / "unet").glob("*.safetensors"))
    weights = {name: tensor.float() for name, tensor in load_file(path).items()}
    bias = "encoder_hid_proj.projection_norm.bias"
    weights[bias] = torch.randn(weights[bias].shape, generator=torch.Generator().manual_seed(1))
    save_file(weights, path)
    config = json.loads((folder / "unet" / "config.json").read_text())
    theirs = Kandinsky3UNet.from_config({**config, "encoder_hid_dim": weights[bias].shape[0]})
    theirs.load_state_dict(weights)
    x, t = torch.randn(1, 4, 8, 8), torch.tensor([500.0])
    nothing = torch.zeros(1, 5, weights[bias].shape[0])
    with torch.inference_mode():
        expected = theirs.eval()(x, t, nothing, torch.zeros(1, 5, dtype=torch.int64)).sample
    ours = Checkpoint.open(folder).load_unet("full", torch.float32, "cpu")
    context = null_context(ours.null_embedding)
    out = denoise(ours.unet, x, t, context.rows, context.mask, context.pool_len)
    torch.testing.assert_close(out, expected, atol=1e-4, rtol=1e-4)


def test_the_inpainting_net_loads_with_nine_channels(tiny_folder: Path, tmp_path: Path) -> None:
    loaded = Checkpoint.open(write_v31(tiny_folder, tmp_path)).load_unet("inpainting", torch.float32, "cpu")
    assert loaded.unet.get_parameter("conv_in.weight").shape[1] == 9
    assert loaded.unet.get_parameter("conv_out.weight").shape[0] == 4


def test_weights_arrive_in_the_wanted_format(tiny_folder: Path) -> None:
    loaded = Checkpoint.open(tiny_folder).load_unet("flash", torch.bfloat16, "cpu")
    named = [*loaded.unet.named_parameters(), *loaded.projection.named_parameters()]
    exact = {name for name, parameter in named if parameter.dtype != torch.bfloat16}
    assert exact == {"conv_out.weight", "conv_out.bias", "conv_norm_out.weight", "conv_norm_out.bias"}
    assert loaded.null_embedding.dtype == torch.bfloat16
    assert not any(parameter.requires_grad for parameter in loaded.unet.parameters())


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(trace), "w")

    torch.save({"unet": Trap()}, tmp_path / "kandinsky3.pt")
    (tmp_path / "movq.pt").write_bytes(pickle.dumps(Trap()))
    for name in ("kandinsky3.pt", "movq.pt"):
        with pytest.raises(UnreadableCheckpoint, match=name):
            read_tensors(tmp_path / name)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04broken"])
@pytest.mark.parametrize("name", ["kandinsky3.pt", "kandinsky3.safetensors"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableCheckpoint, match=name):
        Checkpoint.open(tmp_path).load_unet("full", torch.float32, "cpu")


def test_a_missing_tensor_is_named_and_nothing_is_filled_in(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    path = folder / "weights" / "kandinsky3.pt"
    content = torch.load(path, weights_only=True)
    del content["unet"]["out_layer.2.bias"]
    torch.save(content, path)
    with pytest.raises(UnreadableCheckpoint, match=r"conv_out\.bias"):
        Checkpoint.open(folder).load_unet("full", torch.float32, "cpu")


def test_the_projection_of_another_width_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    other = {"0.weight": torch.zeros(8, 32), "1.weight": torch.ones(8), "1.bias": torch.zeros(8)}
    torch.save(other, folder / "weights" / "flan_ul2_encoder" / "projection.pt")
    with pytest.raises(UnreadableCheckpoint, match="width"):
        Checkpoint.open(folder).load_unet("full", torch.float32, "cpu")


def test_what_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    empty = Checkpoint.open(tmp_path)
    for load in (
        lambda: empty.load_unet("full", torch.float32, "cpu"),
        lambda: empty.load_movq(torch.float32, "cpu"),
        lambda: empty.load_encoder(torch.float32, "cpu"),
        empty.load_tokenizer,
    ):
        with pytest.raises(MissingWeights, match=str(tmp_path)):
            load()


def test_the_projection_inside_a_unet_file_is_seen_without_reading_weights(tiny_folder: Path, tmp_path: Path) -> None:
    for number, (write, brings) in enumerate([(write_v30, True), (write_diffusers, True), (write_v31, False)]):
        folder = tmp_path / str(number)
        write(tiny_folder, folder)
        for projection in folder.rglob("projection*.pt"):
            projection.unlink()
        assert ("projection" not in lacking(locate(folder), "full")) is brings


def test_the_studios_own_files_win_over_released_ones(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    save_file(load_file(tiny_folder / "movq.safetensors"), folder / "movq.safetensors")
    assert locate(folder).nets["movq"].name == "movq.safetensors"


def test_a_smaller_kandinsky_draws_by_the_dimensions_of_its_tensors(tiny_folder: Path, tmp_path: Path) -> None:
    """Like 3.0 Small: fewer channels, another context width, a narrower text encoder; the layout of 3.0."""
    config = {**UNET, "block_out_channels": [8, 16, 16, 24], "cross_attention_dim": 24, "time_embedding_dim": 40}
    torch.manual_seed(3)
    unet = {name: 0.1 * torch.randn(tensor.shape) for name, tensor in build_unet(config).state_dict().items()}
    projections = {"t5.0.weight": torch.randn(24, 16), "t5.1.weight": torch.ones(24), "t5.1.bias": torch.zeros(24)}
    content = {"unet": unet_to_official(unet), "null_embedding": torch.randn(1, 24), "projections": projections}
    encoder = tmp_path / "flan-t5-xl"
    T5EncoderModel(T5Config(vocab_size=4096, d_model=16, d_ff=32, d_kv=8, num_heads=2, num_layers=1)).save_pretrained(
        encoder
    )
    shutil.copy(TOKENIZER / "spiece.model", encoder)
    torch.save(content, tmp_path / "kandinsky3.pt")
    shutil.copy(tiny_folder / "movq.safetensors", tmp_path)
    stated = {"unet": {"groups": UNET["groups"], "attention_head_dim": UNET["attention_head_dim"]}, "movq": MOVQ}
    (tmp_path / "manifest.json").write_text(json.dumps({"configs": stated}))

    loaded = Checkpoint.open(tmp_path).load_unet("full", torch.float32, "cpu")
    assert all(torch.equal(tensor, unet[name]) for name, tensor in loaded.unet.state_dict().items())
    picture = drawn_by_engine(tmp_path)
    assert picture.shape == (64, 64, 3)
    assert picture.float().std() > 10


def test_a_text_encoder_of_another_width_than_the_projection_is_named(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    path = folder / "weights" / "flan_ul2_encoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "d_model": 48}))
    with pytest.raises(UnreadableCheckpoint, match="48 wide"):
        Checkpoint.open(folder).load_unet("full", torch.float32, "cpu")
