"""The codec, its files, and image prompts."""

from __future__ import annotations

import math

import pytest
import torch

from inference.checkpoints.autoencoders import to_taming
from inference.checkpoints.shapes import shapes_of
from inference.families.rudalle.files.contents import decoder_state, vqgan_state
from inference.families.rudalle.image_prompts import Borders, given_cells, image_prompt
from inference.families.rudalle.nets.vqgan import decode, encode, from_wavelets
from tests.inference.families.rudalle.tiny import LAYOUTS, decoder, vqgan

BACK = {"l_text_pos_embeddings.weight": "text_pos_embeddings.weight"}


def test_a_code_stands_for_eight_pixels_each_way_of_wavelets_for_sixteen() -> None:
    net = vqgan()
    codes = encode(net, torch.rand(2, 3, 32, 48) * 2 - 1)
    assert codes.shape == (2, 4, 6)
    assert decode(net, codes).shape == (2, 3, 32, 48)
    assert decode(vqgan(out_channels=12), codes).shape == (2, 3, 64, 96)


def test_pictures_are_decoded_alike_alone_and_together() -> None:
    net = vqgan()
    codes = torch.randint(0, 13, (3, 4, 4), generator=torch.Generator().manual_seed(1))
    assert torch.equal(decode(net, codes)[1:2], decode(net, codes[1:2]))


def test_wavelets_are_undone() -> None:
    image = torch.randn(2, 3, 6, 8)
    a, b, c, d = (image[:, :, y::2, x::2] for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)))
    low, high = (a + b + c + d) / 2, torch.stack([a + b - c - d, a - b + c - d, a - b - c + d], 2) / 2
    torch.testing.assert_close(from_wavelets(torch.cat([low, high.flatten(1, 2)], 1)), image)


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("wavelets", [True, False])
def test_either_file_of_the_codec_is_read_as_trained_and_alone(wavelets: bool, nested: bool) -> None:
    expected = vqgan(out_channels=12 if wavelets else 3).state_dict()
    released = to_taming(expected)
    if wavelets:
        inner = {
            f"decoder.{name}" if name.startswith(("decoder.", "post_")) else name: t for name, t in released.items()
        }
        unused = {f"post_quant_conv.{part}": torch.zeros(4) for part in ("weight", "bias")}
        released = {f"model.{name}": t for name, t in {**inner, **unused, "decoder.idwt.g0_col": torch.ones(1)}.items()}
    content = {"epoch": 3, "state_dict": {**released, "loss.logvar": torch.zeros(1)}} if nested else released
    found = vqgan_state(content)
    assert shapes_of(found) == shapes_of(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_file_of_a_decoder_may_bring_its_masks() -> None:
    state = decoder(LAYOUTS["v3"]).state_dict()
    released = {BACK.get(name, name): tensor for name, tensor in state.items()}
    masks = {f"transformer.{kind}_mask": torch.ones(3, 3) for kind in ("row", "col", "conv", "last_conv")}
    assert shapes_of(decoder_state({**released, **masks})) == shapes_of(state)


def test_both_texts_of_rudolph_keep_their_places() -> None:
    state = decoder(LAYOUTS["rudolph"]).state_dict()
    assert list(decoder_state(state)) == list(state)


def test_given_cells_lie_at_the_named_sides() -> None:
    assert given_cells(Borders(up=1, left=1), 3).tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    assert given_cells(Borders(down=1, right=1), 3).tolist() == [[0, 0, 1], [0, 0, 1], [1, 1, 1]]
    assert not given_cells(Borders(), 3).any()
    assert given_cells(Borders(right=3), 3).all()


@pytest.mark.parametrize("borders", [Borders(up=5), Borders(left=-1), Borders(down=10**9)])
def test_borders_beyond_the_picture_are_refused(borders: Borders) -> None:
    for crop_first in (False, True):
        with pytest.raises(ValueError, match="0 to 4 cells"):
            image_prompt(vqgan(), torch.zeros(3, 32, 32), borders, crop_first=crop_first)


@pytest.mark.parametrize(("height", "width"), [(32, 40), (36, 36), (7, 7)])
def test_a_picture_of_no_square_of_cells_is_refused(height: int, width: int) -> None:
    with pytest.raises(ValueError, match="square of whole cells"):
        image_prompt(vqgan(), torch.zeros(3, height, width), Borders(up=1))


def test_nothing_between_the_borders_shows_through_where_they_are_cut_first() -> None:
    net = vqgan()
    image = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(4)) * 2 - 1
    other = image.clone()
    other[:, 8:, 8:] = 1 - math.pi / 4
    borders = Borders(up=1, left=1)
    cut, changed = (image_prompt(net, one, borders, crop_first=True) for one in (image, other))
    assert torch.equal(cut.codes, changed.codes)
    whole = image_prompt(net, image, borders), image_prompt(net, other, borders)
    assert not torch.equal(whole[0].codes[cut.given], whole[1].codes[cut.given])
