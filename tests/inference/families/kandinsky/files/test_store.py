import json
import subprocess
import sys
from pathlib import Path

import pytest

from inference.checkpoints.folders import MissingWeights
from inference.checkpoints.released import human_size
from inference.families.kandinsky.files.catalogue import CATALOGUE, KINDS, offers, released_files, ways
from inference.families.kandinsky.files.store import choose, describe_lack, lacking, locate, model_card, revisions
from inference.requests import MAX_AREA, SIDE_STEP, Ability
from tests.inference.families.kandinsky.files.layouts import write_v31


def test_finding_weights_and_writing_the_card_needs_no_torch(tiny_folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from inference.families.kandinsky.files.store import model_card\n"
        "import inference.weights\n"
        f"print(model_card(None, Path({str(tiny_folder)!r})).kinds)\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'diffusers', 'transformers')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "('flash', 'full', 'refine')\n"), done.stderr


def test_without_weights_the_embedded_checkpoint_draws(tiny_folder: Path, tmp_path: Path) -> None:
    for weights in (None, tmp_path / "absent", tmp_path):
        assert choose(weights, tiny_folder).folder == tiny_folder
        assert model_card(weights, tiny_folder).kinds == model_card(tiny_folder).kinds


def test_real_weights_are_preferred(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    card = model_card(folder, tiny_folder)
    assert card.kinds == ("flash", "full", "refine", "inpaint", "outpaint")
    drawn = card.of("flash")
    assert (card.small_world, drawn.languages) == (False, ("en",))
    assert set(card.missing) == set(KINDS) - set(card.kinds)
    assert drawn.native_size == (1024, 1024)
    assert all(w * h <= MAX_AREA and w % SIDE_STEP == h % SIDE_STEP == 0 for w, h in drawn.sizes.values())


def test_a_mode_without_its_files_is_left_out_and_what_it_lacks_is_told(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    (folder / "weights" / "kandinsky3_flash.pt").unlink()
    card = model_card(folder, tiny_folder)
    assert card.kinds == ("full", "refine", "inpaint", "outpaint")
    assert card.missing["flash"] == "weights/kandinsky3_flash.pt (12.2 GB)"


def test_an_incomplete_download_tells_what_is_missing_while_the_embedded_checkpoint_draws(
    tiny_folder: Path, tmp_path: Path
) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    (folder / "weights" / "movq.pt").unlink()
    assert choose(folder, tiny_folder).folder == tiny_folder
    card = model_card(folder, tiny_folder)
    assert card.missing["full"] == card.missing["flash"] == "weights/movq.pt (1.1 GB)"


def test_a_text_encoder_with_a_missing_shard_does_not_count(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    (folder / "weights" / "flan_ul2_encoder" / "pytorch_model-00002-of-00002.bin").unlink()
    assert lacking(locate(folder), "full") == ["text_encoder"]
    assert describe_lack(locate(folder), "full") == "weights/flan_ul2_encoder/ (34.9 GB)"


def test_nothing_anywhere_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=str(tmp_path)):
        choose(tmp_path, tmp_path / "embedded")


def test_the_card_beside_the_weights_is_told(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    told = {
        "label": {"ru": "нано", "en": "nano"},
        "sizes": {"1:1": [128, 128]},
        "lexicon": ["cat"],
        "languages": ["ru"],
    }
    (folder / "card.json").write_text(json.dumps(told))
    card = model_card(folder, tiny_folder)
    assert (card.label.ru, card.lexicon) == ("нано", ("cat",))
    assert set(card.kinds) >= {"flash", "full"}
    assert all(it == Ability(sizes={"1:1": (128, 128)}, languages=("ru",)) for it in card.abilities.values())


def test_revisions_follow_the_bytes(tiny_folder: Path, tmp_path: Path) -> None:
    folder = write_v31(tiny_folder, tmp_path)
    before = revisions(locate(folder))
    assert before.keys() >= {"base", "flash", "movq", "projection", "text_encoder"}
    path = folder / "weights" / "movq.pt"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    after = revisions(locate(folder))
    assert {net for net in before if before[net] != after[net]} == {"movq"}


def test_every_kind_can_be_downloaded_whole() -> None:
    for kind in KINDS:
        assert offers("kandinsky-3.1", kind)
        nets = {entry.net for entry in released_files("kandinsky-3.1", [kind])}
        assert any(nets == set(way) for way in ways(kind))
    assert {kind for kind in KINDS if offers("kandinsky-3.0", kind)} == {"full", "refine", "inpaint", "outpaint"}
    assert {kind for kind in KINDS if offers("diffusers", kind)} == {"full", "refine"}
    assert len({(entry.layout, entry.place) for entry in CATALOGUE}) == len(CATALOGUE)  # nothing overwrites another


def test_sizes_are_told_in_units_people_use() -> None:
    assert [human_size(n) for n in (12, 3_000, 67_144_000, 12_154_673_000, 48_200_000_000)] == [
        "12 B",
        "3 kB",
        "67 MB",
        "12.2 GB",
        "48.2 GB",
    ]
