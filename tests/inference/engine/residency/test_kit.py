"""The kit over a real checkpoint of tiny nets."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from inference.checkpoints.folders import MissingWeights
from inference.engine.nets import Nets
from inference.families.kandinsky.asks import Encode
from inference.requests import Failed
from tests.inference.engine.fakes import engine_of, finish, flash, full, pictures
from tests.inference.tiny import TinyKit, write_checkpoint

CPU = torch.device("cpu")


def test_a_prompt_is_encoded_once_for_all_jobs_and_both_nets(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = TinyKit(tiny_folder)
    encoder = kit.nets.require("text_encoder")
    seen: list[int] = []
    forward = encoder.forward

    def counting(**batch):  # type: ignore[no-untyped-def]
        seen.append(len(batch["input_ids"]))
        return forward(**batch)

    monkeypatch.setattr(encoder, "forward", counting)
    engine = engine_of(kit)
    for job_id in range(3):
        engine.add(job_id, flash("a red fox", job_id))
    engine.add(3, full("a red fox", 9, steps=2, negative_prompt="blurry"))
    finish(engine)
    assert seen == [2]
    engine.add(4, full("blurry", 9, steps=2, negative_prompt="a red fox"))
    finish(engine)
    assert seen == [2]


def test_each_mode_has_its_own_projection_and_null_embedding(tiny_folder: Path) -> None:
    kit = TinyKit(tiny_folder)
    ids = kit.tokenize("a red fox").ids
    with torch.inference_mode():
        (flash_text, flash_null), (full_text, full_null) = kit.contexts(
            [Encode("flash", (ids, None)), Encode("full", (ids, None))]
        )
    assert not torch.equal(flash_text.rows, full_text.rows)
    assert not torch.equal(flash_null.rows, full_null.rows)
    assert flash_null.rows.shape[:2] == (1, 1) and flash_text.rows.shape[1] == len(ids) + 1


def test_loading_is_announced_with_its_size(tiny_folder: Path) -> None:
    told: list[tuple[str, int]] = []
    kit = TinyKit(tiny_folder, Nets(CPU, before_loading=lambda net, size: told.append((net, size))))
    kit.warm(("flash",))
    assert [net for net, _ in told] == ["movq", "text_encoder", "flash"]
    assert all(size > 1000 for _, size in told)
    assert kit.nets.resident == ("movq", "text_encoder", "flash")


def test_encoding_is_announced_after_loading_and_only_for_texts_that_are_new(tiny_folder: Path) -> None:
    told: list[str] = []
    kit = TinyKit(
        tiny_folder,
        Nets(CPU, before_loading=lambda net, size: told.append(f"load {net}")),
        before_encoding=lambda: told.append("encode"),
    )
    ids = kit.tokenize("a red fox").ids
    for _ in range(2):
        kit.contexts([Encode("flash", (ids, None))])
    assert told == ["load text_encoder", "encode", "load flash"]


def test_with_a_small_budget_nets_come_and_go_and_pictures_are_the_same(tiny_folder: Path) -> None:
    roomy, tight = TinyKit(tiny_folder), TinyKit(tiny_folder, Nets(CPU, budget=1))
    told = []
    for kit in (roomy, tight):
        engine = engine_of(kit)
        engine.add(1, flash("a red fox", 1))
        engine.add(2, full("a blue boat", 2, steps=3))
        told.append(finish(engine))
    assert len(tight.nets.resident) == 1 and len(roomy.nets.resident) == 4
    for job_id in (1, 2):
        assert torch.equal(pictures(told[0][job_id]), pictures(told[1][job_id]))


def test_previews_know_colours_once_the_decoder_is_there(tiny_folder: Path) -> None:
    kit = TinyKit(tiny_folder)
    latents = torch.zeros(2, 4, 8, 8)
    assert kit.colours(latents) is None
    kit.warm(())
    colours = kit.colours(latents)
    assert colours is not None and colours.shape == (2, 3, 8, 8) and colours.dtype is torch.uint8


def test_a_mode_without_weights_fails_with_its_own_code_and_the_other_goes_on(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    (folder / "kandinsky3.safetensors").unlink()
    engine = engine_of(TinyKit(folder))
    engine.add(1, full(steps=2))
    engine.add(2, flash())
    told = finish(engine)
    assert isinstance(told[1][-1], Failed) and told[1][-1].code == "missing_weights"
    assert "base" in told[1][-1].message
    assert pictures(told[2]).shape == (1, 64, 64, 3)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    kit = TinyKit(tmp_path)
    with pytest.raises(MissingWeights, match="tokenizer"):
        kit.tokenize("fox")
