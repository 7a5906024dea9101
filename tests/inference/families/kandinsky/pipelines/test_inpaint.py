"""Inpainting, answered by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from inference.engine.asks import Show
from inference.families.kandinsky.asks import Decode, Denoise, Encode, ToLatent
from inference.families.kandinsky.compositing import dilated
from inference.families.kandinsky.conditioning import EOS
from inference.families.kandinsky.pipelines.inpaint import inpaint, inpaint_steps
from inference.requests import Box, Inpaint, InvalidRequest, Note
from tests.inference.families.kandinsky.pipelines.studio import NULL, PROMPTED, Played, Studio, flat, play, to_latent

WHITE = 1.0


def photo(width: int, height: int, seed: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 200, (height, width, 3), generator=generator, dtype=torch.uint8)


def marked(width: int, height: int, *boxes: Box) -> Tensor:
    mask = torch.zeros(height, width, dtype=torch.uint8)
    for box in boxes:
        mask[box.y : box.bottom, box.x : box.right] = 255
    return mask


def request(studio: Studio, image: Tensor, mask: Tensor, **more: Any) -> Inpaint:
    fields = {"prompt": "a fox", "seeds": (1,), "steps": 5, "native_side": 128} | more
    return Inpaint(image=studio.put(image), mask=studio.digest(mask), **fields)


def painted(image: Tensor, mask: Tensor, level: float = WHITE, **more: Any) -> Played:
    studio = Studio()
    return play(inpaint(request(studio, image, mask, **more), studio), flat(level))


def test_what_is_marked_becomes_what_the_net_wants_and_the_rest_stays_exactly() -> None:
    image, mask = photo(150, 100), marked(150, 100, Box(40, 30, 50, 40))
    [picture] = painted(image, mask).drawing.pictures
    assert picture.shape == image.shape
    assert (picture[mask != 0] > 245).all()  # the last step lands at noise level 0, which still holds 0.6 % of noise
    outside = ~dilated(mask, 8)
    assert torch.equal(picture[outside], image[outside])
    assert not torch.equal(picture, image)


def test_the_picture_that_was_given_is_not_written_into() -> None:
    image, mask = photo(128, 128), marked(128, 128, Box(0, 0, 64, 64))
    before = image.clone()
    painted(image, mask)
    assert torch.equal(image, before)


def test_the_net_sees_the_noisy_latents_the_kept_cells_and_the_picture_with_a_grey_hole() -> None:
    image, mask = photo(128, 128), marked(128, 128, Box(64, 32, 64, 64))
    played = painted(image, mask, seeds=(1, 2), focus=False, paste=False)
    [hole] = played.of(ToLatent)
    assert (hole.pixels[:, 32:96, 64:] == 0).all()
    torch.testing.assert_close(hole.pixels[:, :, :64], image[:, :64].permute(2, 0, 1) / 255 * 2 - 1)
    cells = torch.ones(16, 16)
    cells[4:12, 8:] = 0  # 1 = keep
    for ask in played.of(Denoise):
        assert ask.unet == "inpainting" and ask.x.shape == (2, 9, 16, 16)
        assert torch.equal(ask.x[:, 4], cells.expand(2, 16, 16))
        assert torch.equal(ask.x[:, 5:], to_latent(hole.pixels).expand(2, 4, 16, 16))


def test_pictures_share_one_masked_latent_and_have_noise_of_their_own() -> None:
    image, mask = photo(128, 128), marked(128, 128, Box(10, 10, 90, 90))
    both, second = painted(image, mask, seeds=(1, 2)), painted(image, mask, seeds=(2,))
    assert len(both.of(ToLatent)) == 1
    for ours, alone in zip(both.of(Denoise), second.of(Denoise), strict=True):
        assert torch.equal(ours.x[1:], alone.x)
    assert torch.equal(both.drawing.pictures[1], second.drawing.pictures[0])
    assert not torch.equal(*both.drawing.pictures)


@pytest.mark.parametrize("steps", [1, 7, 64])
def test_the_number_of_steps_is_known_beforehand(steps: int) -> None:
    studio = Studio()
    asked = request(studio, photo(128, 128), marked(128, 128, Box(1, 1, 9, 9)), steps=steps, seeds=(1, 2, 3))
    assert play(inpaint(asked, studio), flat(0.0)).passes == inpaint_steps(asked)


def test_a_small_mark_is_repainted_in_a_crop_at_the_full_size_of_the_model() -> None:
    image, mask = photo(600, 400), marked(600, 400, Box(300, 200, 30, 20))
    near, far = painted(image, mask), painted(image, mask, focus=False)
    assert near.of(Denoise)[0].x.shape[-2:] == (16, 16)  # 60×43 pixels as 128×128
    assert far.of(Denoise)[0].x.shape[-2:] == (8, 16)  # the whole picture as 128×64
    assert near.of(Denoise)[0].x[0, 4].mean() < far.of(Denoise)[0].x[0, 4].mean()


def test_with_focus_and_paste_off_the_whole_picture_is_redrawn_as_published() -> None:
    image, mask = photo(200, 100), marked(200, 100, Box(50, 20, 31, 31))
    mask[20, 50:81] = 100  # a soft edge stays soft
    played = painted(image, mask, focus=False, paste=False)
    [ask, *_] = played.of(Denoise)
    assert ask.x.shape[-2:] == (8, 16)
    soft = (ask.x[0, 4] > 0) & (ask.x[0, 4] < 1)
    assert soft.any()
    [hole] = played.of(ToLatent)
    assert (hole.pixels[:, ::8, ::8][:, soft] == 0).all()  # grey wherever not all is kept
    [picture] = played.drawing.pictures
    assert picture.shape == image.shape
    assert (picture > 245).all()


def test_the_published_size_rule_refuses_what_the_crop_can_do() -> None:
    image, mask = photo(100, 63), marked(100, 63, Box(5, 5, 20, 20))
    with pytest.raises(InvalidRequest, match="below 64"):
        painted(image, mask, focus=False, paste=False)
    [picture] = painted(image, mask).drawing.pictures
    assert picture.shape == (63, 100, 3)


def test_a_crop_that_is_not_pasted_by_its_mask_fades_into_the_picture() -> None:
    image, mask = photo(600, 400) // 100, marked(600, 400, Box(300, 200, 30, 20))
    [picture] = painted(image, mask, paste=False).drawing.pictures
    changed = (picture != image).any(dim=-1)
    assert (picture[200:220, 300:330] > 245).all()
    assert changed.sum() > 3 * (mask != 0).sum()  # the whole crop
    assert picture[:, :, 0].int().diff(dim=1).abs().max() < 80  # by and by


def test_nothing_marked_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="mask: marks nothing"):
        painted(photo(64, 64), marked(64, 64))


@pytest.mark.parametrize("name", ["image", "mask"])
def test_sizes_that_disagree_are_refused(name: str) -> None:
    studio = Studio()
    asked = request(studio, photo(64, 64), marked(64, 64, Box(0, 0, 9, 9)))
    studio.kept[asked.image.blob] = photo(65, 64) if name == "image" else photo(64, 64)
    studio.kept[asked.mask] = photo(64, 64)[..., 0] if name == "image" else photo(64, 64)
    with pytest.raises(InvalidRequest, match=f"{name}: must be 64x64 pixels"):
        next(inpaint(asked, studio))


def test_all_marked_repaints_all() -> None:
    [picture] = painted(photo(90, 200), marked(90, 200, Box(0, 0, 90, 200))).drawing.pictures
    assert picture.shape == (200, 90, 3) and (picture > 245).all()


def test_a_single_dot_is_repainted() -> None:
    for focus in (True, False):
        [picture] = painted(photo(300, 200), marked(300, 200, Box(123, 77, 1, 1)), focus=focus).drawing.pictures
        assert (picture[77, 123] > 240).all()


def test_outliers_are_clipped_at_the_percentile_of_inpainting() -> None:
    def aim(window: int, x: Tensor) -> Tensor:
        target = torch.full_like(x[:, :4], 0.5)
        target[:, :, 0, :10] = 9.0  # 4 % of all: beyond the 95th percentile, within the 99th
        return target

    studio = Studio()
    asked = request(studio, photo(128, 128), marked(128, 128, Box(0, 0, 128, 128)))
    for ask in play(inpaint(asked, studio), aim).of(Show):
        assert ask.x0.max() == 1
        torch.testing.assert_close(ask.x0.median(), torch.tensor(0.5), atol=0.01, rtol=0)


def test_a_negative_prompt_stands_in_for_the_null_embedding_of_this_net() -> None:
    image, mask = photo(128, 128), marked(128, 128, Box(0, 0, 64, 64))
    plain = painted(image, mask)
    assert plain.of(Encode)[0].unet == "inpainting" and plain.of(Encode)[0].texts[1] is None
    assert all(ask.contexts == (PROMPTED, NULL) for ask in plain.of(Denoise))
    words = Studio()
    positive, sane = painted(image, mask, negative_prompt="blurry, ugly").of(Encode)[0].texts
    assert sane == words.tokenize("blurry, ugly").ids
    official = painted(image, mask, negative_prompt="blurry, ugly", negative_mode="official").of(Encode)[0].texts[1]
    assert official == (*sane[: len(positive) - 1], EOS)
    [alone] = painted(image, mask, guidance_scale=0.0, negative_prompt="blurry").of(Encode)
    assert len(alone.texts) == 1


def test_cut_words_are_reported() -> None:
    played = painted(photo(64, 64), marked(64, 64, Box(0, 0, 9, 9)), prompt="x" * 130)
    assert played.drawing.notes == (Note(code="prompt_cut", detail="xxx"),)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 260), st.integers(1, 260), st.booleans(), st.data())
def test_any_mask_on_any_picture_changes_only_what_is_marked(
    width: int, height: int, focus: bool, data: st.DataObject
) -> None:
    if not focus:
        width, height = max(width, 64), max(height, 64)
        if max(width, height) / min(width, height) > 2:
            return
    wide, high = data.draw(st.integers(1, width)), data.draw(st.integers(1, height))
    box = Box(data.draw(st.integers(0, width - wide)), data.draw(st.integers(0, height - high)), wide, high)
    image, mask = photo(width, height), marked(width, height, box)
    played = painted(image, mask, steps=2, seeds=(4, 5), focus=focus)
    assert len(played.drawing.pictures) == len(played.of(Decode)) == 2
    for picture in played.drawing.pictures:
        assert picture.shape == image.shape and picture.dtype == torch.uint8
        outside = ~dilated(mask, max(4, width // 16, height // 16))
        assert torch.equal(picture[outside], image[outside])
        assert picture[mask != 0].float().mean() > 225
