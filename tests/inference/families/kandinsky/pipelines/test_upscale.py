"""Enlarging, answered by hand: what is asked for, how much of it, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from inference.engine.asks import Aside, Ask, Drawing, Pipeline, Ready, Show
from inference.families.kandinsky.asks import Denoise, Encode, Enlarge, ToLatent, ToPixels
from inference.families.kandinsky.conditioning import EOS, UNSEEN_PAD, Context, Tokens
from inference.families.kandinsky.pipelines.enlarging import ROOM_ON_DEVICE, Frames, home
from inference.families.kandinsky.pipelines.refining import Refiner, Tiling
from inference.families.kandinsky.pipelines.upscale import Plan, upscale, upscale_steps
from inference.families.kandinsky.sampling import PictureNoise
from inference.families.kandinsky.sampling.superres import refine_coefficients
from inference.families.kandinsky.sampling.windows import View, windows
from inference.requests import InvalidRequest, Source, Upscale
from tests.inference.families.kandinsky.pipelines.by_request import draw, steps

KINDS = ("x2", "x4", "flash_x2")
CONTEXT = Context(torch.ones(1, 128, 2), torch.ones(1, 128, dtype=torch.int64), torch.tensor([128]))
SMALL = Plan(
    frames=Frames(window=64, stride=48),
    refiner=Refiner(
        encode=Tiling(size=8, overlap=0.25, published_overlap=0.0),
        refine=Tiling(size=16, overlap=0.25, published_overlap=0.25, published_always=True),
        decode=Tiling(size=64, overlap=0.25, published_overlap=0.25),
    ),
)
Net = Callable[[Enlarge], Tensor]


@dataclass(frozen=True)
class Light:
    picture_: Tensor
    at_once: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def tokenize(self, text: str) -> Tokens:
        assert text == ""
        return Tokens((EOS,), 1, "")

    def picture(self, digest: str) -> Tensor:
        return self.picture_

    def windows_at_once(self, height: int, width: int) -> int:
        return self.at_once


def faithful(ask: Enlarge) -> Tensor:
    """A net that sees exactly the source."""
    return ask.low


def imaginative(ask: Enlarge) -> Tensor:
    """A net that depends on everything it is given, and on where in the window things are."""
    place = torch.linspace(0, 1, ask.x.shape[-1])
    return torch.tanh(ask.x.roll(1, -1) * 0.5 + ask.low.flip(-2) * place + ask.t / 1000)


def play(pipeline: Pipeline, net: Net = faithful, noise_seen: float = 0.0) -> tuple[list[Ask], Drawing]:
    """Plays the nets; MoVQ halves three times and doubles again, the refiner sees as much noise as it is told to."""
    asks: list[Ask] = []
    answer: Any = None
    while True:
        try:
            ask = pipeline.send(answer)
        except StopIteration as end:
            return asks, end.value
        asks.append(ask)
        match ask:
            case Enlarge():
                answer = net(ask)
            case Encode():
                answer = (CONTEXT,)
            case ToLatent():
                small = avg_pool2d(ask.pixels, 8)
                answer = torch.cat([small, small[:1]])
            case ToPixels():
                answer = interpolate(ask.latent[None, :3], scale_factor=8.0)[0]
            case Denoise():
                answer = (ask.x * noise_seen,)
            case _:
                answer = None


def photo(height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=generator)


def wish(kind: Any, height: int, width: int, **more: Any) -> Upscale:
    image = Source(blob="0" * 64, width=width, height=height)
    return Upscale(kind=kind, image=image, **{"seeds": (1,), "refine": False, **more})


def of(kind: type, asks: list[Ask]) -> list[Any]:
    return [ask for ask in asks if isinstance(ask, kind)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 80), st.integers(1, 80), st.booleans(), st.booleans(), st.integers(1, 5))
def test_any_size_comes_out_times_the_factor_in_as_many_steps_as_were_announced(
    kind: str, height: int, width: int, refine: bool, exact: bool, at_once: int
) -> None:
    request = wish(kind, height, width, refine=refine, exact_official_resize=exact)
    grey = torch.full((height, width, 3), 77, dtype=torch.uint8)
    asks, drawing = play(upscale(request, Light(grey, at_once), SMALL))
    (picture,) = drawing.pictures
    assert picture.shape == (request.height, request.width, 3)
    passes = [ask for ask in asks if not isinstance(ask, Aside)]
    assert sum(ask.steps for ask in passes) == upscale_steps(request, SMALL)
    if not (kind == "flash_x2" and refine):
        assert set(picture.unique().tolist()) <= ({76, 77} if exact else {77})


@pytest.mark.parametrize("kind", KINDS)
def test_the_registry_knows_how_to_enlarge(kind: str) -> None:
    request = wish(kind, 32, 64, refine=True)
    asks, drawing = play(draw(request, Light(photo(32, 64))))
    assert sum(ask.steps for ask in asks if not isinstance(ask, Aside)) == steps(request)
    assert drawing.pictures[0].shape == (request.height, request.width, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(40, 72), (16, 12), (64, 52)])
def test_how_many_windows_fit_at_once_does_not_change_the_picture(kind: str, size: tuple[int, int]) -> None:
    source, request = photo(*size), wish(kind, *size)
    one = play(upscale(request, Light(source, 1), SMALL), imaginative)[1].pictures[0]
    for at_once in (2, 7, 100):
        asks, drawing = play(upscale(request, Light(source, at_once), SMALL), imaginative)
        assert torch.equal(drawing.pictures[0], one)
        assert max(len(ask.x) for ask in of(Enlarge, asks)) <= at_once


@pytest.mark.parametrize("kind", ["x2", "x4"])
@pytest.mark.parametrize("size", [(40, 72), (20, 12), (34, 46)])
def test_even_sides_are_worked_on_as_the_published_code_does(kind: str, size: tuple[int, int]) -> None:
    source = photo(*size)
    ours, drawing = play(upscale(wish(kind, *size), Light(source), SMALL), imaginative)
    exact = wish(kind, *size, exact_official_resize=True)
    theirs, truncated = play(upscale(exact, Light(source), SMALL), imaginative)
    for mine, other in zip(of(Enlarge, ours), of(Enlarge, theirs), strict=True):
        assert torch.equal(mine.x, other.x) and torch.equal(mine.low, other.low)
    rounding = drawing.pictures[0].int() - truncated.pictures[0].int()
    assert set(rounding.unique().tolist()) <= {0, 1}


@pytest.mark.parametrize("kind", KINDS)
def test_odd_sides_go_on_as_their_mirror_image_and_are_not_stretched(kind: str) -> None:
    source = photo(9, 11)
    request = wish(kind, 9, 11)
    asks, drawing = play(upscale(request, Light(source), SMALL))
    low = of(Enlarge, asks)[0].low[0]
    factor = request.factor
    mirrored = torch.cat([source, source[-1:]]).permute(2, 0, 1).float()  # one row on
    plain = interpolate(mirrored[None], scale_factor=float(factor), mode="bilinear", align_corners=False)[0]
    inside = (low[:, : 9 * factor, : 10 * factor] + 1) * 127.5
    torch.testing.assert_close(inside, plain[:, : 9 * factor, : 10 * factor], atol=1e-3, rtol=0)
    assert torch.equal(drawing.pictures[0][:, : 10 * factor], inside.round().to(torch.uint8).permute(1, 2, 0))


@pytest.mark.parametrize("kind", KINDS)
def test_any_picture_of_a_job_can_be_made_again_alone(kind: str) -> None:
    source = photo(24, 40)
    request = wish(kind, 24, 40, seeds=(5, 6), refine=True)
    both = play(upscale(request, Light(source), SMALL), imaginative, 0.5)[1].pictures
    alone = play(upscale(replace_seeds(request, 6), Light(source), SMALL), imaginative, 0.5)[1].pictures
    assert torch.equal(both[1], alone[0])
    assert not torch.equal(both[0], both[1])


def replace_seeds(request: Upscale, *seeds: int) -> Upscale:
    return request.model_copy(update={"seeds": seeds})


def test_the_turbo_sees_windows_that_agree_on_their_noise() -> None:
    request = wish("flash_x2", 32, 56)
    asks, _ = play(upscale(request, Light(photo(32, 56)), SMALL))
    first, second = of(Enlarge, asks)[:2]
    assert first.x.shape == (1, 3, 64, 64) and first.t == 979
    assert torch.equal(first.x[..., 48:], second.x[..., :16])


def test_neighbouring_tiles_of_the_refiner_agree_on_their_noise() -> None:
    size = 2 * 96
    request = wish("flash_x2", 96, 96, refine=True)
    asks, _ = play(upscale(request, Light(torch.zeros(96, 96, 3, dtype=torch.uint8)), SMALL))
    cut = windows(size // 8, size // 8, 16, 12)
    tiles = of(Denoise, asks)
    assert len(tiles) == len(cut) == 4
    noise, step = PictureNoise(1, (3, size, size)), refine_coefficients()
    for _ in range(5):
        noise.next()
    together = noise.next((4, size // 8, size // 8))
    for ask, window in zip(tiles, cut, strict=True):
        assert ask.unet == "flash" and ask.t == 229 and ask.contexts == (CONTEXT,)
        expected = step.sqrt_one_minus_alpha * window.view.of(together) - step.sqrt_alpha
        torch.testing.assert_close(ask.x[0], expected)


def test_the_refiner_reads_no_words_with_their_padding() -> None:
    asks, _ = play(upscale(wish("flash_x2", 32, 32, refine=True), Light(photo(32, 32)), SMALL))
    assert of(Encode, asks) == [Encode("flash", ((EOS, UNSEEN_PAD),), rule="refiner")]
    asks, _ = play(upscale(wish("flash_x2", 32, 32), Light(photo(32, 32)), SMALL))
    assert not of(Encode, asks) and not of(Denoise, asks)


def test_a_picture_survives_the_tiles_of_the_codec() -> None:
    cells = torch.rand(3, 24, 40, generator=torch.Generator().manual_seed(1)) * 2 - 1
    picture = cells.repeat_interleave(8, 1).repeat_interleave(8, 2)  # flat where the codec cannot see
    for published in (False, True):
        latent = finish(SMALL.refiner.latent(picture, torch.device("cpu"), published=published))
        torch.testing.assert_close(latent[:3], cells)
        back = finish(SMALL.refiner.pixels(latent, torch.device("cpu"), published=published))
        torch.testing.assert_close(back, picture)


def finish(part: Generator[Ask, Any, Tensor]) -> Tensor:
    """The result of a part of the pipeline, as `play` answers it."""

    def whole() -> Pipeline:
        return Drawing(((yield from part),))

    return play(whole())[1].pictures[0]


def test_tiles_that_disagree_fade_into_each_other() -> None:
    tiling, number = Tiling(size=16, overlap=0.25, published_overlap=0.0), iter(range(99))

    def make(view: View) -> Generator[Ask, Any, Tensor]:
        yield Show(torch.zeros(1, 3, 1, 1))
        return torch.full((1, view.height, view.width), float(next(number)))

    def widest_step(published: bool) -> float:
        made = finish(tiling.assemble(make, 1, 16, 52, torch.device("cpu"), published=published))
        return (made[..., 1:] - made[..., :-1]).abs().max().item()

    assert widest_step(published=True) == 1
    assert widest_step(published=False) <= 1 / 4 + 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_look_in_pixels_follows_every_pass(kind: str) -> None:
    asks, _ = play(upscale(wish(kind, 150, 70), Light(torch.full((150, 70, 3), 255, dtype=torch.uint8)), SMALL))
    kinds = [type(ask) for ask in asks if not isinstance(ask, Ready)]
    assert kinds[::2] == [Enlarge] * (len(kinds) // 2) and kinds[1::2] == [Show] * (len(kinds) // 2)
    for ask in of(Show, asks):
        assert ask.x0.shape[:2] == (1, 3) and max(ask.x0.shape) <= 256
        torch.testing.assert_close(ask.x0, torch.ones_like(ask.x0))


def test_levels_are_rounded_but_for_exact_comparisons() -> None:
    def between(ask: Enlarge) -> Tensor:
        return torch.full_like(ask.x, (100.75 / 255) * 2 - 1)

    source = photo(8, 8)
    assert play(upscale(wish("x2", 8, 8), Light(source)), between)[1].pictures[0].unique().tolist() == [101]
    exact = wish("x2", 8, 8, exact_official_resize=True)
    assert play(upscale(exact, Light(source)), between)[1].pictures[0].unique().tolist() == [100]


def test_a_source_of_another_size_than_stated_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="12x10"):
        play(upscale(wish("x2", 10, 12), Light(photo(12, 10))))


def test_panoramas_beyond_the_room_on_the_device_stay_in_ram() -> None:
    gpu = replace(Light(photo(1, 1)), device=torch.device("meta"))
    assert home(gpu, 2160, 3840) == torch.device("meta")
    assert home(gpu, 8000, 8000) == torch.device("cpu")
    assert ROOM_ON_DEVICE > 4 * 3 * 4 * 2160 * 3840


def test_what_the_device_sees_of_a_very_large_picture_are_windows() -> None:
    """8192 pixels wide, with the sizes of the released nets."""
    request = wish("x4", 64, 2048)
    seen: list[Enlarge] = []

    def net(ask: Enlarge) -> Tensor:
        seen.append(ask)
        return ask.low

    _, drawing = play(upscale(request, Light(photo(64, 2048), 2)), net)
    assert drawing.pictures[0].shape == (256, 8192, 3)
    assert len(seen) == 5 * 5 and max(ask.x.numel() for ask in seen) == 2 * 3 * 256 * 1024
