"""The engine's process, from its command line to a stored picture, on the second of two pretended cards."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from inference.child import serving
from inference.child.__main__ import OWNERS_CHOICE, let_segments_grow
from inference.engine.policy import device_wanted
from inference.queue.options import WorkerOptions
from inference.queue.transport import Assignment
from inference.queue.wire import Configure, Drain, Hello, ParentLink, Report, Submit, UpMessage, decode_up, encode
from inference.requests import Failed, Finished
from tests.inference.engine.kinds import request
from tests.inference.pretended.card import GB, Card, Cards
from tests.inference.pretended.studio import Weights

TELL = """
import os, runpy, sys, types
serving = sys.modules["inference.child.serving"] = types.ModuleType("serving")  # torch would take seconds
serving.main = lambda: print("told:", os.environ["PYTORCH_CUDA_ALLOC_CONF"])
sys.argv = ["inference.child"]
runpy.run_module("inference.child", run_name="__main__")
"""


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, int]]:
    monkeypatch.setattr(signal, "signal", lambda *given: None)
    monkeypatch.setattr(serving, "ParentLink", partial(ParentLink, exit_on_eof=False))
    ours, theirs = socket.socketpair()
    yield ours, theirs.detach()
    ours.close()


def test_the_second_of_two_workers_draws_on_the_second_of_two_cards(
    ends: tuple[socket.socket, int], weights: Weights, tmp_path: Path
) -> None:
    ours, fd = ends
    asked = request("flash", 1)
    cards = Cards(Card(4 * GB, major=7), Card(80 * GB, major=8))
    options = WorkerOptions(
        number=1,
        threads=1,
        blobs_url=str(tmp_path),
        weights_dir=weights.folder,
        beautifier="none",
        translator="none",
    )
    first = Configure(options=options)
    for message in (first, Submit(assignment=Assignment(job_id=1, request=asked)), Drain(grace_seconds=60)):
        ours.sendall(encode(message))
    with cards:
        serving.main(fd)
        assert cards.current == 1 and not torch.backends.cudnn.allow_tf32
    told = list(_heard(ours))
    assert isinstance(told[-1], Report) and isinstance(told[-1].report.event, Finished)
    assert [message.cards for message in told if isinstance(message, Hello)][:1] == [2], (
        "so that each is given a worker"
    )
    assert not any(isinstance(message, Report) and isinstance(message.report.event, Failed) for message in told)
    assert cards.cards[0].peak == 0 and cards.cards[1].peak > 0


@pytest.mark.parametrize(
    ("device", "number", "wanted"),
    [("auto", 0, "cuda:0"), ("auto", 1, "cuda:1"), ("cuda", 3, "cuda:1"), ("cuda:0", 1, "cuda:0"), ("cpu", 1, "cpu")],
)
def test_workers_take_the_cards_in_turn_where_the_owner_leaves_it_open(device: str, number: int, wanted: str) -> None:
    with Cards(Card(4 * GB), Card(80 * GB)):
        assert device_wanted(device, number) == wanted
    assert device_wanted("auto", number) is None, "where there is no card at all"


def _heard(ours: socket.socket) -> Iterator[UpMessage]:
    ours.setblocking(False)
    with ours.makefile("rb") as lines:
        while line := lines.readline():
            yield decode_up(line)


def test_its_memory_is_kept_in_segments_that_grow() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("ALLOC_CONF")}
    done = subprocess.run([sys.executable, "-c", TELL], env=environment, capture_output=True, text=True)
    assert "told: expandable_segments:True" in done.stdout, done.stderr


@pytest.mark.parametrize("name", OWNERS_CHOICE)
def test_unless_the_owner_says_otherwise(name: str) -> None:
    environment = {name: "backend:native"}
    let_segments_grow(environment)
    assert environment == {name: "backend:native"}
