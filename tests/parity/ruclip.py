"""The recording of ruCLIP: what it is given, embeddings, logits, and which pictures it picks."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inference.checkpoints.shapes import shapes_of
from inference.checkpoints.tensors import assemble
from inference.families.ruclip.inputs import Inputs, Look
from inference.families.ruclip.nets import (
    build_clip,
    embed_pictures,
    embed_texts,
    infer_clip_config,
    temperature,
    to_transformers,
)
from inference.families.ruclip.scores import TEMPLATES, image_latents, probabilities, rank, text_latents
from tests.parity.golden import Golden, Recording
from tests.parity.rows import Row, Rows, gap, unequal
from tests.parity.yttm import tokenizer

RUCLIP = "ruclip_tiny"


def ranking(golden: Golden) -> Rows:
    recorded = golden.read(RUCLIP)
    told, out, allowed = recorded.meta, recorded.under("expected."), recorded.meta["tolerance"]
    state = {name: it for name, it in recorded.tensors.items() if not name.startswith(("input.", "expected."))}
    state, heads = to_transformers(state), told["config"]["transformer_heads"]
    config = infer_clip_config(shapes_of(state), text_heads=heads)
    clip = assemble(lambda: build_clip(config), state, RUCLIP, torch.float32, "cpu")
    inputs = Inputs(tokenizer(golden), told["config"]["context_length"], Look(told["config"]["image_resolution"]))
    pictures = _pictures(recorded)

    ids, long = inputs.ids(told["texts"]), inputs.ids(["кот " * 100])
    pixels = inputs.look.at(pictures)
    yield Row(RUCLIP, "ids", gap(ids, out["input_ids"]))
    yield Row(RUCLIP, "ids of a long text", gap(long, out["input_ids_long"]))
    yield Row(RUCLIP, "pixels", gap(pixels, out["pixel_values"]), allowed["pixel_values"])

    texts, seen = embed_texts(clip, ids), embed_pictures(clip, pixels)
    yield Row(RUCLIP, "texts", gap(texts, out["text_embeds_raw"]), allowed["embeds"])
    yield Row(RUCLIP, "long text", gap(embed_texts(clip, long), out["text_embeds_raw_long"]), allowed["embeds"])
    yield Row(RUCLIP, "pictures", gap(seen, out["image_embeds_raw"]), allowed["embeds"])

    templates, latents = told["predictor"]["templates2"], image_latents(clip, inputs, pictures)
    yield Row(RUCLIP, "templates", unequal(list(TEMPLATES), told["predictor"]["default_templates"]))
    yield Row(RUCLIP, "image latents", gap(latents, out["predictor.image_latents"]), allowed["latents"])
    for case, ours in (
        ("text_latents", text_latents(clip, inputs, told["texts"])),
        ("text_latents_templates2", text_latents(clip, inputs, told["texts"], templates)),
    ):
        yield Row(RUCLIP, case.replace("_", " "), gap(ours, out[f"predictor.{case}"]), allowed["latents"])
    cosines = latents @ text_latents(clip, inputs, told["texts"]).T
    yield Row(RUCLIP, "cosines", gap(cosines, out["predictor.cosine"]), allowed["latents"])
    labels = probabilities(clip, inputs, pictures, told["texts"])
    yield Row(RUCLIP, "labels", gap(labels.argmax(1), out["predictor.labels"]))
    logits = temperature(clip) * latents @ text_latents(clip, inputs, told["texts"], ["{}"]).T
    yield Row(RUCLIP, "logits", gap(logits, out["logits_per_image"]), allowed["logits"])
    yield Row(RUCLIP, "logits turned", gap(logits.T, out["logits_per_text"]), allowed["logits"])

    picked = rank(clip, inputs, pictures, told["cherry_pick"]["text"], told["cherry_pick"]["count"])
    yield Row(RUCLIP, "picked", gap(torch.tensor(picked.order), out["cherry_pick.order"]))
    yield Row(RUCLIP, "scores", gap(torch.tensor(picked.cosines), out["cherry_pick.scores"]), allowed["latents"])


def _pictures(recorded: Recording) -> list[Tensor]:
    """The recorded pictures, whatever their mode, in red, green and blue."""
    given = recorded.under("input.")
    return [_in_colour(given[f"image_{number}_u8"], mode) for number, mode in enumerate(recorded.meta["image_modes"])]


def _in_colour(pixels: Tensor, mode: str) -> Tensor:
    picture = Image.fromarray(pixels.squeeze(-1).numpy() if mode == "L" else pixels.numpy(), mode)
    return torch.from_numpy(np.array(picture.convert("RGB")))
