"""Outpainting, answered by hand: no seam, nothing lost, every pixel of the canvas painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from inference.families.kandinsky.asks import Denoise, Encode, ToLatent
from inference.families.kandinsky.compositing import cut, resized, to_signed
from inference.families.kandinsky.pipelines.outpaint import outpaint, outpaint_steps, seam_width, windows_of
from inference.requests import Box, Note, Outpaint, model_size
from tests.inference.families.kandinsky.pipelines.studio import Played, Studio, flat, play, to_latent

NATIVE = 128
SEAM = NATIVE // 8  # more than any seam of these canvases


def slope(width: int, height: int) -> Tensor:
    """A smooth picture: brightness rises to the right in red, downwards in green, both ways in blue."""
    across = torch.linspace(20, 230, width).expand(height, width)
    down = torch.linspace(20, 230, height)[:, None].expand(height, width)
    return torch.stack([across, down, (across + down) / 2], dim=-1).round().to(torch.uint8)


def request(studio: Studio, image: Tensor, width: int, height: int, box: Box, **more: Any) -> Outpaint:
    fields = {"prompt": "a fox", "seeds": (1,), "steps": 5, "native_side": NATIVE} | more
    return Outpaint(image=studio.put(image), width=width, height=height, box=box, **fields)


def painted(image: Tensor, width: int, height: int, box: Box, aim: Any = None, **more: Any) -> Played:
    studio = Studio()
    return play(outpaint(request(studio, image, width, height, box, **more), studio), aim or flat(0.0))


def knowing(truth: Tensor, asked: Outpaint, off: float = 0.0) -> Callable[[int, Tensor], Tensor]:
    """A U-Net that paints every window as it is in `truth`, `off` too bright."""
    windows = windows_of(asked)

    def aim(window: int, x: Tensor) -> Tensor:
        box = windows[window]
        size = model_size(box.width, box.height, asked.native_side)
        latent = to_latent(to_signed(resized(cut(truth, box), *size)))
        latent[:3] += off
        return latent.expand(len(x), -1, -1, -1)

    return aim


EXTENSIONS = {
    "to the left": (192, 128, Box(64, 0, 128, 128)),
    "upwards": (128, 160, Box(0, 32, 128, 128)),
    "zoomed out": (128, 128, Box(22, 22, 85, 85)),
    "zoomed out twice": (128, 128, Box(32, 32, 64, 64)),
    "made square": (160, 160, Box(0, 40, 160, 80)),
    "far to all sides": (400, 400, Box(150, 130, 128, 128)),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_a_net_that_answers_perfectly_leaves_no_seam(name: str) -> None:
    width, height, box = EXTENSIONS[name]
    truth, studio = slope(width, height), Studio()
    asked = request(studio, cut(truth, box).clone(), width, height, box)
    [picture] = play(outpaint(asked, studio), knowing(truth, asked)).drawing.pictures
    assert picture.shape == (height, width, 3)
    steepest = max(truth.int().diff(dim=0).abs().max(), truth.int().diff(dim=1).abs().max())
    for dim in (0, 1):
        step = picture.int().diff(dim=dim).abs().max()
        assert step <= steepest + 6, "no step beyond the slope itself and the noise that the last timestep leaves"
    assert (picture.int() - truth.int()).abs().float().mean() < 4


def test_a_net_that_is_too_bright_meets_the_picture_by_and_by() -> None:
    width, height, box = EXTENSIONS["to the left"]
    truth, studio = torch.full((height, width, 3), 100, dtype=torch.uint8), Studio()
    asked = request(studio, cut(truth, box).clone(), width, height, box)
    [picture] = play(outpaint(asked, studio), knowing(truth, asked, off=0.4)).drawing.pictures  # 51 levels
    row = picture[64, :, 0].int()
    assert row[:40].float().mean() > 145 and (row[80:] == 100).all()
    assert row.diff().abs().max() <= 20


@pytest.mark.parametrize("name", EXTENSIONS)
def test_the_picture_keeps_its_pixels_but_for_a_narrow_seam(name: str) -> None:
    width, height, box = EXTENSIONS[name]
    source = torch.randint(0, 256, (box.height, box.width, 3), dtype=torch.uint8)
    played = painted(source, width, height, box, seeds=(1, 2))
    studio = Studio()
    asked = request(studio, source, width, height, box)
    lap = max(seam_width(window, model_size(window.width, window.height, NATIVE), box) for window in windows_of(asked))
    assert lap <= SEAM
    inner = Box(
        box.x + lap * (box.x > 0), box.y + lap * (box.y > 0),
        box.width - lap * (box.x > 0) - lap * (box.right < width),
        box.height - lap * (box.y > 0) - lap * (box.bottom < height),
    )  # fmt: skip
    ours = Box(inner.x - box.x, inner.y - box.y, inner.width, inner.height)
    for picture in played.drawing.pictures:
        assert torch.equal(cut(picture, inner), cut(source, ours))


def test_the_picture_is_resized_into_its_box() -> None:
    source = torch.full((50, 100, 3), 90, dtype=torch.uint8)
    [picture] = painted(source, 192, 128, Box(32, 32, 128, 64), flat(1.0)).drawing.pictures
    assert (picture[50:78, 52:140] == 90).all()
    assert (picture[:24] > 240).all() and (picture[:, :24] > 240).all()


def test_unknown_parts_are_grey_to_the_net_and_it_repaints_a_little_of_the_picture() -> None:
    played = painted(torch.full((128, 64, 3), 255, dtype=torch.uint8), 128, 128, Box(64, 0, 64, 128))
    [hole] = played.of(ToLatent)
    assert (hole.pixels[:, :, :72] == 0).all()  # one cell beyond the join
    assert (hole.pixels[:, :, 80:] == 1).all()
    ask = played.of(Denoise)[0]
    assert ask.unet == "inpainting" and ask.x.shape == (1, 9, 16, 16)
    assert (ask.x[0, 4, :, :9] == 0).all() and (ask.x[0, 4, :, 10:] == 1).all()


def test_later_windows_see_what_was_painted_before_on_the_same_picture() -> None:
    level = {1: 0.2, 2: -0.6}  # by seed: what each picture is painted with

    def aim(window: int, x: Tensor) -> Tensor:
        return torch.tensor([level[1], level[2]]).view(2, 1, 1, 1).expand(2, 4, *x.shape[-2:])

    source = torch.full((128, 128, 3), 128, dtype=torch.uint8)
    played = painted(source, 384, 128, Box(0, 0, 128, 128), aim, seeds=(1, 2))
    latents = played.of(ToLatent)
    windows = windows_of(request(Studio(), source, 384, 128, Box(0, 0, 128, 128)))
    assert len(latents) == 1 + 2 * (len(windows) - 1) and len(windows) > 1
    for ask, wanted in zip(latents[-2:], (0.2, -0.6), strict=True):
        assert abs(ask.pixels[:, :, :40].mean() - wanted) < 0.05


def test_no_two_windows_start_from_the_same_noise() -> None:
    source = torch.full((128, 128, 3), 128, dtype=torch.uint8)
    played = painted(source, 384, 128, Box(0, 0, 128, 128), seeds=(1, 2))
    starts = [ask.x[:, :4] for ask in played.of(Denoise) if ask.t == 999]
    assert len({tensor.numpy().tobytes() for start in starts for tensor in start}) == 2 * len(starts)


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    def aim(window: int, x: Tensor) -> Tensor:
        return (x[:, :4] / 2 + x[:, 5:]).clamp(-1, 1)  # follows its noise and what it knows

    source = slope(128, 128)
    both = painted(source, 300, 128, Box(0, 0, 128, 128), aim, seeds=(1, 2)).drawing.pictures
    [alone] = painted(source, 300, 128, Box(0, 0, 128, 128), aim, seeds=(2,)).drawing.pictures
    assert torch.equal(both[1], alone) and not torch.equal(*both)


@pytest.mark.parametrize("name", EXTENSIONS)
def test_the_number_of_steps_is_known_beforehand(name: str) -> None:
    width, height, box = EXTENSIONS[name]
    studio = Studio()
    asked = request(studio, slope(box.width, box.height), width, height, box, seeds=(1, 2, 3))
    assert play(outpaint(asked, studio), flat(0.0)).passes == outpaint_steps(asked)


def test_words_are_read_once_for_all_windows_and_cuts_reported() -> None:
    played = painted(slope(128, 128), 400, 128, Box(0, 0, 128, 128), prompt="x" * 130)
    assert [ask.unet for ask in played.of(Encode)] == ["inpainting"]
    assert played.drawing.notes == (Note(code="prompt_cut", detail="xxx"),)


@settings(max_examples=30, deadline=None)
@given(st.integers(64, 330), st.integers(64, 330), st.data())
def test_any_box_on_any_canvas_is_painted_full(width: int, height: int, data: st.DataObject) -> None:
    wide, high = data.draw(st.integers(1, width)), data.draw(st.integers(1, height))
    box = Box(data.draw(st.integers(0, width - wide)), data.draw(st.integers(0, height - high)), wide, high)
    if (wide, high) == (width, height):
        return
    source = torch.full((7, 5, 3), 60, dtype=torch.uint8)
    [picture] = painted(source, width, height, box, flat(1.0), steps=1).drawing.pictures
    assert picture.shape == (height, width, 3)
    outside = torch.ones(height, width, dtype=torch.bool)
    outside[box.y : box.bottom, box.x : box.right] = False
    assert (picture[outside] > 225).all()
    centre = cut(picture, Box(box.x + wide // 2, box.y + high // 2, 1, 1))
    assert min(wide, high) < 8 or (centre == 60).all()


@pytest.mark.parametrize("name", EXTENSIONS)
def test_the_work_is_known_beforehand(name: str) -> None:
    width, height, box = EXTENSIONS[name]
    studio = Studio()
    asked = request(studio, slope(box.width, box.height), width, height, box)
    rows = sum(ask.rows for ask in play(outpaint(asked, studio), flat(0.0)).of(Denoise))
    assert rows == asked.windows * asked.passes
    assert asked.cost == pytest.approx(rows * NATIVE**2 / 1e6)
