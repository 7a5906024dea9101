"""Which language models are found, and what is said of those that are not."""

import json
from pathlib import Path

import pytest

from inference.doctor import language_report
from inference.families.kandinsky.files.store import EMBEDDED, model_card
from inference.families.language import files
from inference.families.language.files import BEAUTIFIER, NONE, LanguageModels, language_models
from tests.inference.families.language.models import write_llama, write_marian


@pytest.fixture(autouse=True)
def empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_both_tasks_join_the_card_when_their_models_are_there(tmp_path: Path) -> None:
    models = language_models(str(write_llama(tmp_path / "llama")), str(write_marian(tmp_path / "marian", lessons=0)))
    assert {task: model.encoder_decoder for task, model in models.found.items()} == {
        "beautify": False,
        "translate": True,
    }
    card = model_card(None)
    assert models.on(card).kinds == (*card.kinds, "beautify", "translate")
    assert EMBEDDED.is_dir()


def test_a_repository_is_looked_for_among_the_weights_and_in_the_hubs_cache(tmp_path: Path) -> None:
    write_llama(tmp_path / "weights" / "neural-chat-7b-v3-1")
    assert "beautify" in language_models(BEAUTIFIER, NONE, weights=tmp_path / "weights").found
    snapshot = tmp_path / "hub" / "models--a--b" / "snapshots" / "0123"
    write_llama(snapshot)
    (tmp_path / "hub" / "models--a--b" / "refs").mkdir()
    (tmp_path / "hub" / "models--a--b" / "refs" / "main").write_text("0123")
    assert language_models("a/b", NONE).found["beautify"].folder == snapshot


def test_what_is_missing_is_named_and_what_is_switched_off_is_not(tmp_path: Path) -> None:
    models = language_models("nobody/nothing", NONE)
    assert models.found == {}
    assert models.missing == {"beautify": "the files of nobody/nothing: hf download nobody/nothing"}
    assert "neural-chat-7b-v3-1 (14.5 GB)" in language_models(BEAUTIFIER, NONE).missing["beautify"]
    card = model_card(None)
    assert models.on(card).kinds == card.kinds
    assert "beautify" in models.on(card).missing
    assert LanguageModels() == language_models(NONE, NONE)


def test_a_half_downloaded_model_is_not_offered(tmp_path: Path) -> None:
    folder = write_llama(tmp_path / "llama")
    (folder / "model.safetensors").unlink()
    assert "weights in" in language_models(str(folder), NONE).missing["beautify"]
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model-00001-of-00002.safetensors").write_bytes(b"")
    assert "00002-of-00002" in language_models(str(folder), NONE).missing["beautify"]
    (folder / "tokenizer.json").unlink()
    assert "tokenizer" in language_models(str(folder), NONE).missing["beautify"]


def test_four_bits_without_their_library_are_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    llama, marian = str(write_llama(tmp_path / "llama")), str(write_marian(tmp_path / "marian", lessons=0))
    models = language_models(llama, marian, four_bit=True)
    assert "bitsandbytes" in models.missing["beautify"]
    assert list(models.found) == ["translate"]


def test_the_doctor_says_where_models_are_and_what_is_missing(tmp_path: Path) -> None:
    found, missing = language_report(language_models(str(write_llama(tmp_path / "llama")), "nobody/nothing"))
    assert found.ok and found.subject == "beautify" and str(tmp_path / "llama") in found.words
    assert missing.ok is None and missing.subject == "translate" and "hf download nobody/nothing" in missing.words
    assert list(language_report(LanguageModels())) == []
