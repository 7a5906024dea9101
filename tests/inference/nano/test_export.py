"""The written checkpoint: whole, small, and loading to exactly what was trained."""

import copy
import hashlib
import json

import pytest
import torch

from inference.families.kandinsky.conditioning import encode, null_context, project, tokenize
from inference.families.kandinsky.files.load import Checkpoint
from inference.families.kandinsky.files.store import lacking, locate, model_card
from inference.families.kandinsky.nets.unet import denoise
from inference.nano import movq
from inference.nano.export import export, untrained

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("nano")
    parts = untrained(folder / "tokenizer")
    return parts, export(parts, folder / "weights"), folder / "weights"


def test_the_manifest_names_every_file_with_its_true_hash_and_size(written):
    _, manifest, folder = written
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {"manifest.json"}
    assert present == manifest["files"].keys()
    for name, entry in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["revision"] == manifest["revision"]


def test_everything_together_stays_under_thirteen_megabytes(written):
    _, _, folder = written
    assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) <= 13 * MEGABYTE


def test_no_codebook_is_shipped_and_names_are_the_released_ones(written):
    from safetensors import safe_open

    _, _, folder = written
    with safe_open(folder / "movq.safetensors", framework="pt") as file:
        names = set(file.keys())
    assert "decoder.mid.block_1.norm1.conv_y.weight" in names and not any("quantize" in name for name in names)
    with safe_open(folder / "kandinsky3.safetensors", framework="pt") as file:
        assert {"null_embedding", "unet.in_layer.weight", "unet.to_time_embed.1.weight"} <= set(file.keys())
        assert all(file.get_tensor(name).dtype == torch.float16 for name in file.keys())  # noqa: SIM118


def test_both_modes_can_run_from_it(written):
    _, _, folder = written
    assert lacking(locate(folder), "flash") == [] and lacking(locate(folder), "full") == []
    card = model_card(folder, embedded=folder)
    drawn = card.of("flash")
    assert card.small_world and drawn.languages == ("ru", "en") and drawn.native_size == (128, 128)
    assert card.unknown_words("Красный круг на синем фоне") == ()
    assert card.unknown_words("a purple elephant") == ("elephant",)
    for prompt in (*card.examples.ru, *card.examples.en):
        assert card.unknown_words(prompt) == ()


def in_double(trained, loaded):
    """Random nets with norms over four values blow rounding up; in float64 equal means equal."""
    trained.unet.double()
    loaded.unet.double()


def predict(loaded, x, t, context):
    return denoise(loaded.unet, x, torch.full((len(x),), t), context.rows, context.mask, context.pool_len)


@pytest.mark.parametrize(("part", "unet"), [("base", "full"), ("flash", "flash")])
def test_loaded_nets_answer_like_the_trained_ones(written, part, unet):
    parts, _, folder = written
    trained = copy.deepcopy(getattr(parts, part)).half().float()  # what fp16 keeps of it
    encoder = copy.deepcopy(parts.encoder).half().float().eval()
    checkpoint = Checkpoint.open(folder)
    loaded = checkpoint.load_unet(unet, torch.float32, "cpu")
    tokenizer, text = checkpoint.load_text_encoder(torch.float32, "cpu")
    in_double(trained, loaded)
    ids = tokenizer(["a black cat in space"], return_tensors="pt")
    x, t = torch.randn(1, 4, 16, 16), 479
    with torch.inference_mode():
        hidden = encoder(**ids).last_hidden_state
        expected = trained(x, torch.tensor([t]), hidden, ids["attention_mask"], torch.tensor([False]))
        (rows,) = encode(text, [tokenize(tokenizer, "a black cat in space").ids])
        assert torch.allclose(predict(loaded, x, t, project(loaded.projection, rows)), expected, atol=1e-5)


def test_an_empty_caption_in_training_is_the_null_context_in_use(written):
    parts, _, folder = written
    loaded = Checkpoint.open(folder).load_unet("full", torch.float32, "cpu")
    trained = copy.deepcopy(parts.base).half().float()
    in_double(trained, loaded)
    x, hidden, mask = torch.randn(1, 4, 16, 16), torch.randn(1, 9, 128), torch.ones(1, 9, dtype=torch.int64)
    with torch.inference_mode():
        expected = trained(x, torch.tensor([300]), hidden, mask, torch.tensor([True]))
        assert torch.allclose(predict(loaded, x, 300, null_context(loaded.null_embedding)), expected, atol=1e-5)


def test_the_loaded_codec_decodes_like_the_trained_one(written):
    parts, _, folder = written
    codec = copy.deepcopy(parts.codec).half().float().eval()
    loaded = Checkpoint.open(folder).load_movq(torch.float32, "cpu")
    pictures = movq.pictures(5, 2)
    with torch.inference_mode():
        latents = movq.encode(codec, pictures)
        assert torch.allclose(movq.encode(loaded, pictures), latents, atol=1e-4)
        assert torch.allclose(movq.decode(loaded, latents), movq.decode(codec, latents), atol=1e-4)


def test_folding_the_scale_changes_latents_but_no_picture() -> None:
    torch.manual_seed(0)
    codec, pictures = movq.build().eval(), movq.pictures(5, 2)
    with torch.inference_mode(False), torch.no_grad():
        before = movq.encode(codec, pictures)
        picture = movq.decode(codec, before)
        scale = movq.rescale(codec, pictures)
        after = movq.encode(codec, pictures)
        assert torch.allclose(after * scale, before, atol=1e-5)
        assert torch.allclose(movq.decode(codec, after), picture, atol=1e-4)
        assert torch.quantile(after.abs().flatten(), 0.995).item() == pytest.approx(movq.REACH, abs=1e-3)
