"""Recordings of the decoders of ruDALL-E and RUDOLPH: layers, logits, masks, and whole runs of the published code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.engine.previews import to_uint8
from inference.families.rudalle.drawing import generate, score
from inference.families.rudalle.files.contents import decoder_state
from inference.families.rudalle.image_prompts import Borders, image_prompt
from inference.families.rudalle.nets.attention import Cache, Step
from inference.families.rudalle.nets.decoder import BEGIN, PAD, build_decoder
from inference.families.rudalle.nets.layout import Layout, Sight, mask
from inference.families.rudalle.nets.variants import Variant
from inference.families.rudalle.nets.vqgan import decode
from inference.families.rudalle.sampling import Sampling, TokenNoise, chances, perplexity, surprise
from inference.families.rudalle.text import text_ids
from tests.parity.golden import Golden, Recording
from tests.parity.rows import Row, Rows, gap, unequal
from tests.parity.vqgan import VQGAN, images_of, vqgan
from tests.parity.yttm import YTTM_TINY, tokenizer

V3, V2, RUDOLPH = "rudalle_tiny", "rudalle_v2_tiny", "rudolph_tiny"
GREEDY = Sampling(top_k=1, top_p=2)
SIGHTS: dict[str, Sight] = {"row": "row", "col": "column", "conv": "window", "last_conv": "last"}
PROMPT = Borders(up=2, left=1)
IMAGE_LOSS = 7  # weight of the loss of pictures, that of texts being 1


class RecordedNoise(TokenNoise):
    """Noise in the order in which it was recorded, of [N, V]."""

    def __init__(self, noise: Tensor) -> None:
        self._rows: Iterator[Tensor] = iter(noise)

    def next(self, size: int) -> Tensor:
        return next(self._rows)


def decoder(recorded: Recording) -> Any:
    config = recorded.meta["config"]
    variant = Variant(
        heads=config["num_attention_heads"],
        kernel=config.get("kernel_size", 0),
        last_kernel=config.get("last_kernel_size", 11),
        shifted=recorded.meta.get("hf_version") == "v2",
    )
    weights = re.compile(r"(?!input\.|expected\.|pipeline\.)")
    state = decoder_state({name: tensor for name, tensor in recorded.tensors.items() if weights.match(name)})
    return assemble(lambda: build_decoder(shapes_of(state), variant), state, recorded.name, torch.float32, "cpu")


def v3(golden: Golden) -> Rows:
    ours = tokenizer(golden)
    for case in golden.read(YTTM_TINY).meta["wrappers"]["rows"]:
        told = case["rudalle_ids_len16"]
        yield Row(V3, f"ids of {case['text']!r}"[:26], unequal(text_ids(ours, case["text"], len(told)), told))
    yield from _masks(golden.read(V3))
    yield from _drawings(golden, golden.read(V3))


def v2(golden: Golden) -> Rows:
    yield from _drawings(golden, golden.read(V2))


def _masks(recorded: Recording) -> Rows:
    """The masks of both versions, also of other sizes; those of the released nets by their checksums."""
    for name, theirs in recorded.under("expected.mask.").items():
        ours = mask(*_named(name)).byte()
        yield Row(recorded.name, f"mask {name}", gap(ours, theirs))
    for name, checksum in recorded.meta["full_size_masks_sha256_uint8"].items():
        found = hashlib.sha256(mask(*_named(name)).byte().numpy().tobytes()).hexdigest()
        yield Row(recorded.name, f"mask {name}", float(found != checksum))


def _named(name: str) -> tuple[Layout, Sight]:
    kind, text, grid = name.split(".")
    layout = Layout(int(text.removeprefix("t")), int(grid.removeprefix("n")), shifted=kind == "conv_v2")
    return layout, SIGHTS.get(kind, "last")


def _drawings(golden: Golden, recorded: Recording) -> Rows:
    net, name, given = decoder(recorded), recorded.name, recorded.tensors
    layout, tolerance = net.config.layout, recorded.meta["tolerance"]
    whole = given["input.input_ids"]
    text, codes = whole.split([layout.text, layout.grid**2], 1)
    ids = _fed(whole, layout)
    fed = ids[:, : layout.positions]
    yield Row(
        name, "embeddings", gap(net.embed(fed, torch.arange(layout.positions)), given["expected.embeddings"]), 1e-6
    )
    yield from _layers(recorded, net, fed)
    only_text = given["expected.logits_text_only"]
    yield Row(
        name,
        "logits of a text",
        gap(score(net, ids[:, : only_text.shape[1]], net.vocabulary), only_text),
        tolerance["logits"],
    )
    theirs = given["expected.cached_last_image_logits"]
    ours = _before_codes(_by_steps(net, fed), layout)[..., net.pictures.start :]
    yield Row(name, "logits by steps", gap(ours, theirs), tolerance["logits"])
    measured = perplexity(surprise(score(net, fed, net.pictures)[:, layout.text : -1], codes[:, 1:]))
    yield Row(name, "perplexity", _relative(measured, given["expected.ppl"]), tolerance["ppl"])
    yield from _losses(recorded, net, fed, torch.cat([_with_pads(text, net), codes], 1))
    yield from _runs(golden, recorded, net)


def _losses(recorded: Recording, net: Any, fed: Tensor, tokens: Tensor) -> Rows:
    """As published: without a token in front, the first code counts as one of the text."""
    layout, texts = net.config.layout, net.pictures.start
    labels = tokens if layout.shifted else tokens[:, 1:]
    logits = score(net, fed, net.vocabulary)[:, : labels.shape[1]]
    losses = {
        "text": surprise(logits[:, : layout.text, :texts], labels[:, : layout.text]).mean(),
        "image": surprise(logits[:, layout.text :, texts:], labels[:, layout.text :]).mean(),
    }
    losses["total"] = (losses["text"] + IMAGE_LOSS * losses["image"]) / (1 + IMAGE_LOSS)
    for part, loss in losses.items():
        yield Row(recorded.name, f"loss, {part}", abs(loss.item() - recorded.meta["loss"][part]), 1e-4)


def _with_pads(text: Tensor, net: Any) -> Tensor:
    own = torch.arange(text.shape[1]) + net.pictures.start - text.shape[1]
    return own.where(text == PAD, text)


def _before_codes(logits: Tensor, layout: Layout) -> Tensor:
    """Those logits after which a code comes."""
    return logits[:, layout.picture.start - 1 : layout.picture.stop - 1]


def _relative(ours: Tensor, theirs: Tensor) -> float:
    return gap(ours / theirs, torch.ones_like(theirs))


def _fed(whole: Tensor, layout: Layout) -> Tensor:
    """What the net is fed for ids as the published code takes them."""
    return torch.cat([whole.new_full((len(whole), layout.shifted), BEGIN), whole], 1)


def _layers(recorded: Recording, net: Any, fed: Tensor) -> Rows:
    hidden: list[Tensor] = []
    hooks = [layer.register_forward_hook(lambda *given: hidden.append(given[2])) for layer in net.transformer.layers]
    tolerance = recorded.meta["tolerance"]["logits"]
    logits = score(net, fed, net.vocabulary)
    for hook in hooks:
        hook.remove()
    for number, ours in enumerate(hidden):
        theirs = recorded.tensors[f"expected.hidden_after_layer_{number}"]
        yield Row(recorded.name, f"layer {number}", gap(ours, theirs), tolerance)
    yield Row(recorded.name, "logits", gap(logits, recorded.tensors["expected.logits_full"]), tolerance)


@torch.inference_mode()
def _by_steps(net: Any, ids: Tensor) -> Tensor:
    """The logits after each token of `ids` [B, S], read one by one into a cache."""
    layout, (rows, length) = net.config.layout, ids.shape
    cache, slots = Cache(net.config, rows), torch.arange(rows)
    logits = []
    for place in range(length):
        positions = torch.full((rows,), place)
        narrow = rows if place < layout.text + layout.grid**2 else 0
        features = net(ids[:, place, None], positions[:, None], Step(cache, slots, positions, narrow))
        logits.append(net.logits(features[:, 0], net.vocabulary))
    return torch.stack(logits, 1)


def _runs(golden: Golden, recorded: Recording, net: Any) -> Rows:
    name, told, out = recorded.name, recorded.meta["pipeline"], recorded.under("pipeline.")
    layout, tolerance = net.config.layout, recorded.meta["tolerance"]
    codec = vqgan(golden.read(VQGAN))
    text = text_ids(tokenizer(golden), told["prompt"], layout.text)
    yield Row(name, "ids of the text", gap(torch.tensor(text), out["text_ids"]))
    sampled = told["sampled"]
    sampling = Sampling(sampled["top_k"], sampled["top_p"], sampled["temperature"])
    cache = Cache(net.config, sampled["bs"])

    codes, _ = generate(net, cache, text, net.pictures, GREEDY, [TokenNoise(0)])
    yield Row(name, "greedy codes", gap(codes.flatten(1), out["greedy.tokens"]))
    yield Row(name, "greedy picture", gap(_pixels(codec, codes), out["greedy.images_u8"]), 1)
    measured = _published_perplexity(net, text, codes)
    yield Row(name, "greedy perplexity", _relative(measured, out["greedy.ppl"]), tolerance["ppl"])

    noise = [RecordedNoise(rows) for rows in out["sampled.noise_exponential"]]
    codes, ours = generate(net, cache, text, net.pictures, sampling, noise)
    yield Row(name, "sampled codes", gap(codes.flatten(1), out["sampled.tokens_generation_order"]))
    logits = _before_codes(_logits(net, text, codes), layout)
    drawn_from = chances(logits.flatten(0, 1), sampling).view_as(logits)
    yield Row(name, "chances", gap(drawn_from, out["sampled.filtered_probs"]), 1e-4)
    measured = _published_perplexity(net, text, codes)
    best = measured.argsort()
    yield Row(name, "sampled perplexities", _relative(measured[best], out["sampled.ppl_sorted"]), tolerance["ppl"])
    if not layout.shifted:
        yield Row(name, "those met on the way", _relative(ours, measured), tolerance["ppl"])
    yield Row(name, "sampled pictures", gap(_pixels(codec, codes[best]), out["sampled.images_u8_sorted"]), 1)

    image = images_of(out["image_prompt.image_u8"][None])[0]
    prompt = image_prompt(codec, image, Borders(**told["image_prompt"]["borders"]))
    yield Row(name, "codes of the prompt", gap(prompt.codes.flatten()[None], out["image_prompt.prompt_tokens"]))
    cells = prompt.given.flatten().nonzero()[:, 0]
    yield Row(name, "given cells", gap(cells, out["image_prompt.idx"].sort().values))
    codes, _ = generate(net, cache, text, net.pictures, GREEDY, [TokenNoise(0)], prompt)
    yield Row(name, "codes around a prompt", gap(codes.flatten(1), out["image_prompt.greedy_tokens"]))
    measured = _published_perplexity(net, text, codes)
    yield Row(name, "perplexity with it", _relative(measured, out["image_prompt.ppl"]), tolerance["ppl"])


def _pixels(codec: Any, codes: Tensor) -> Tensor:
    return to_uint8(decode(codec, codes)).permute(0, 2, 3, 1)


def _logits(net: Any, text: Sequence[int], codes: Tensor) -> Tensor:
    layout = net.config.layout
    whole = torch.cat([torch.tensor([text] * len(codes)), codes.flatten(1)], 1)
    return score(net, _fed(whole, layout)[:, : layout.positions], net.pictures)


def _published_perplexity(net: Any, text: Sequence[int], codes: Tensor) -> Tensor:
    """Which for the second version is one place off."""
    logits = _logits(net, text, codes)[:, net.config.layout.text : -1]
    return perplexity(surprise(logits, codes.flatten(1)[:, 1:]))


def rudolph(golden: Golden) -> Rows:
    recorded = golden.read(RUDOLPH)
    net, given, told = decoder(recorded), recorded.tensors, recorded.meta
    layout, tolerance = net.config.layout, told["tolerance"]["logits"]
    for name, theirs in recorded.under("expected.mask.").items():
        yield Row(RUDOLPH, f"mask {name}", gap(mask(layout, SIGHTS[name]).byte(), theirs))
    ids = given["input.input_ids"]
    yield from _layers(recorded, net, ids)
    for part in ("left_only", "left_image"):
        theirs = given[f"expected.logits_{part}"]
        yield Row(
            RUDOLPH, f"logits, {part}", gap(score(net, ids[:, : theirs.shape[1]], net.vocabulary), theirs), tolerance
        )
    ours = _by_steps(net, ids)[:, layout.text - 1 :]
    yield Row(RUDOLPH, "logits by steps", gap(ours, given["expected.cached_last_logits"]), tolerance)
    yield from _codebooks(golden, recorded, net)


def _codebooks(golden: Golden, recorded: Recording, net: Any) -> Rows:
    """Pictures by RUDOLPH: of its vocabulary of pictures only what the codec knows."""
    given, told = recorded.tensors, recorded.meta
    codec, vocabulary = vqgan(golden.read(VQGAN)), net.pictures[: told["config"]["image_vocab_size"]]
    special = told["special_tokens"]["<LT_T2I>"]
    text = text_ids(tokenizer(golden), told["texts"]["t2i"], net.config.layout.text, (special,))
    cache = Cache(net.config, slots=3)
    codes, _ = generate(net, cache, text, vocabulary, GREEDY, [TokenNoise(0)])
    yield Row(RUDOLPH, "greedy codes", gap(codes.flatten(1), given["expected.greedy.codebook"]))
    noise = [RecordedNoise(rows) for rows in given["input.sampled.codebooks.noise"]]
    codes, _ = generate(net, cache, text, vocabulary, Sampling(20, 0.9, 1.2), noise)
    yield Row(RUDOLPH, "sampled codes", gap(codes.flatten(1), given["expected.sampled.codebooks"]))
    prompt = image_prompt(codec, images_of(given["input.image_square_u8"][None])[0], PROMPT)
    yield Row(RUDOLPH, "codes of a picture", gap(prompt.codes.flatten()[None], given["expected.image_tokens_square"]))
    codes, _ = generate(net, cache, text, vocabulary, GREEDY, [TokenNoise(0)], prompt)
    yield Row(RUDOLPH, "codes around a prompt", gap(codes.flatten(1), given["expected.greedy.codebook_image_prompt"]))
