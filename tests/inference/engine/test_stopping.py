"""What is left of a run that somebody stops: the pictures that are whole, as they would have been, and no others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inference.engine.loop import Drawn, Engine, Stopped
from inference.requests import Request
from tests.inference.engine.fakes import ArithmeticKit, engine_of, finish, flash, full, pictures


def stopped_after(engine: Engine, request: Request, turns: int) -> Stopped | None:
    """A run of this request that is stopped when so many asks have been answered; None where it was through."""
    engine.add(1, request)
    for _ in range(turns):
        engine.turn()
    return engine.stop(1)


@pytest.mark.parametrize("request_", [flash("a fox", 1, 2, 3, 4), full("a boat", 1, 2, 3, 4, steps=6)])
def test_at_whatever_step_it_stops_what_is_whole_is_what_it_would_have_been(request_: Request) -> None:
    engine = engine_of(ArithmeticKit())
    engine.add(1, request_)
    every = pictures(finish(engine)[1])
    found = []
    for turns in range(100):
        stopped = stopped_after(engine, request_, turns)
        assert len(engine) == 0
        if stopped is None:
            break
        assert sorted(stopped.pictures) == list(range(len(stopped.pictures)))
        assert all(torch.equal(pixels, every[tile]) for tile, pixels in stopped.pictures.items())
        assert 0 <= stopped.done < 1 and (not stopped.pictures or stopped.done > 0.5)
        found.append(len(stopped.pictures))
    assert found == sorted(found) and set(found) == {0, 1, 2, 3}


def test_who_is_stopped_takes_nothing_from_its_neighbours() -> None:
    engine = engine_of(ArithmeticKit())
    engine.add(2, flash("a cat", 9, 8))
    alone = pictures(finish(engine)[2])
    engine.add(1, flash("a fox", 1, 2))
    engine.add(2, flash("a cat", 9, 8))
    for _ in range(3):
        engine.turn()
    stopped = engine.stop(1)
    assert stopped is not None and not stopped.pictures and engine.stop(1) is None
    told = finish(engine)
    assert set(told) == {2} and isinstance(told[2][-1], Drawn) and torch.equal(pictures(told[2]), alone)


def test_pictures_of_numbers_that_are_none_are_not_whole() -> None:
    def breaks(_unet: str, x: Tensor) -> None:
        x.fill_(float("nan"))

    engine = engine_of(ArithmeticKit(trouble=breaks))
    engine.add(1, flash("a fox", 1, 2, 3))
    stopped = None
    for _ in range(7):  # a text, four passes, two pictures
        engine.turn()
    stopped = engine.stop(1)
    assert stopped is not None and stopped.done == 7 / 8 and not stopped.pictures
