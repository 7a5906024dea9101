"""The engine child as its parent meets it: a real process at the other end of a real socket."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from inference.blobs import BlobStore, read_recipe
from inference.child.serving import EngineChild
from inference.engine.policy import device_policy
from inference.families.kandinsky.files.store import EMBEDDED
from inference.queue.options import WorkerOptions
from inference.queue.transport import Assignment, Interrupted, JobEvent
from inference.queue.wire import (
    Cancel,
    Configure,
    DownMessage,
    Drain,
    Hello,
    ParentLink,
    Patience,
    Report,
    Submit,
    Trouble,
    UpMessage,
    decode_up,
    encode,
)
from inference.requests import Cancelled, Failed, Finished, Progress, Recipe, Started
from tests.inference.engine.fakes import flash, full
from tests.waiting import blocking_until

SECONDS = 90.0
COMMAND = [sys.executable, "-m", "inference.child"]


def told(blobs: Path, weights: Path | None) -> bytes:
    """The first message to a child."""
    options = WorkerOptions(device="cpu", threads=1, blobs_url=str(blobs), weights_dir=weights)
    return encode(Configure(options=options))


class Child:
    """A started engine child and our end of its socket."""

    def __init__(self, folder: Path, weights: Path | None) -> None:
        self.blobs = folder / "blobs"
        ours, theirs = socket.socketpair()
        ours.settimeout(SECONDS)
        ours.sendall(told(self.blobs, weights))
        self.process = subprocess.Popen([*COMMAND, "--fd", str(theirs.fileno())], pass_fds=[theirs.fileno()])
        theirs.close()
        self._socket, self._lines = ours, ours.makefile("rb")
        self.first_words: list[UpMessage] = []
        while not isinstance(message := self.receive(), Hello):
            self.first_words.append(message)
        self.hello = message

    def send(self, message: DownMessage) -> None:
        self._socket.sendall(encode(message))

    def receive(self) -> UpMessage:
        line = self._lines.readline()
        assert line, "the child is gone"
        return decode_up(line)

    def events(self, *job_ids: int) -> dict[int, list[JobEvent]]:
        """Everything told until each of the jobs has ended."""
        told: dict[int, list[JobEvent]] = {job_id: [] for job_id in job_ids}
        while not all(events and not isinstance(events[-1], (Started, Progress)) for events in told.values()):
            message = self.receive()
            if isinstance(message, Report):
                told.setdefault(message.report.job_id, []).append(message.report.event)
        return told

    def close(self) -> None:
        self._socket.close()
        self._lines.close()
        self.process.wait(SECONDS)


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Iterator[Child]:
    """One child for all tests here: on the embedded checkpoint, or on random nets where that is not built yet."""
    embedded = (EMBEDDED / "manifest.json").is_file()
    child = Child(tmp_path_factory.mktemp("child"), None if embedded else tiny_folder)
    yield child
    child.close()


def test_it_asks_for_patience_while_it_loads_and_then_says_what_it_offers(child: Child) -> None:
    assert [message.why.split()[1] for message in child.first_words if isinstance(message, Patience)] == [
        "movq",
        "text_encoder",
        "flash",
        "full",
    ]
    assert child.hello.slots == 4 and child.hello.pid == child.process.pid
    assert child.hello.card is not None and {"flash", "full", "refine"} <= set(child.hello.card.kinds)


def test_a_job_is_started_drawn_stored_and_then_finished(child: Child) -> None:
    request = flash("красный круг на синем фоне", 7, 8, side=128)
    child.send(Submit(assignment=Assignment(job_id=1, request=request)))
    events = child.events(1)[1]
    assert isinstance(events[0], Started)
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.step for event in progress] == sorted(event.step for event in progress)
    finished = events[-1]
    assert isinstance(finished, Finished) and [picture.tile for picture in finished.pictures] == [0, 1]
    assert 0 < finished.engine_seconds < SECONDS
    for picture in finished.pictures:
        content = BlobStore(str(child.blobs)).get(picture.blob)
        assert Image.open(io.BytesIO(content)).size == (picture.width, picture.height) == (128, 128)
        recipe = read_recipe(content)
        assert isinstance(recipe, Recipe) and recipe == picture.recipe
        assert recipe.request == request and recipe.seed == request.seeds[picture.tile]
        assert set(recipe.checkpoints) == {"flash", "projection_flash", "movq", "text_encoder"}
        assert recipe.code_version not in ("", "unknown")


def test_the_same_request_gives_the_same_bytes(child: Child) -> None:
    request = flash("a black cat", 3, side=128)
    digests = []
    for job_id in (11, 12):
        child.send(Submit(assignment=Assignment(job_id=job_id, request=request)))
        finished = child.events(job_id)[job_id][-1]
        assert isinstance(finished, Finished)
        digests.append(finished.pictures[0].blob)
    assert digests[0] == digests[1]


def test_cancel_ends_a_running_job_and_leaves_the_other_alone(child: Child) -> None:
    child.send(Submit(assignment=Assignment(job_id=21, request=full("a boat", *range(8), side=192, steps=100))))
    child.send(Submit(assignment=Assignment(job_id=22, request=full("a fox", 1, side=192, steps=4))))
    while True:
        message = child.receive()
        if isinstance(message, Report) and message.report.job_id == 21 and isinstance(message.report.event, Progress):
            break
    child.send(Cancel(job_id=21))
    told = child.events(21, 22)
    assert isinstance(told[21][-1], Cancelled)
    assert isinstance(told[22][-1], Finished)


def test_a_job_submitted_twice_is_drawn_once(child: Child) -> None:
    twice = Submit(assignment=Assignment(job_id=31, request=full("a fox", 1, side=128, steps=8)))
    child.send(twice)
    child.send(twice)
    child.send(Submit(assignment=Assignment(job_id=32, request=full("a cat", 1, side=192, steps=20))))
    told = child.events(31, 32)
    assert [type(event) for event in told[31]].count(Started) == 1
    assert [type(event) for event in told[31]].count(Finished) == 1


def test_pictures_that_cannot_be_stored_yet_are_stored_later_and_not_drawn_again(child: Child) -> None:
    shutil.rmtree(child.blobs, ignore_errors=True)
    child.blobs.write_text("no folder here")
    child.send(Submit(assignment=Assignment(job_id=41, request=flash("a fox", 99, side=128))))
    while not (isinstance(message := child.receive(), Patience) and "store" in message.why):
        assert not (isinstance(message, Report) and isinstance(message.report.event, Finished | Failed))
    child.blobs.unlink()
    told = child.events(41)[41]
    assert isinstance(told[-1], Finished) and not any(isinstance(event, Started) for event in told)


def test_signals_for_the_whole_group_are_left_to_the_parent(child: Child) -> None:
    os.kill(child.process.pid, signal.SIGINT)
    os.kill(child.process.pid, signal.SIGTERM)
    child.send(Submit(assignment=Assignment(job_id=51, request=flash("a fox", 1, side=128))))
    assert isinstance(child.events(51)[51][-1], Finished)


def test_drained_it_finishes_what_it_can_gives_back_the_rest_and_ends(child: Child) -> None:
    child.send(Submit(assignment=Assignment(job_id=61, request=full("a boat", *range(10), side=256, steps=100))))
    child.send(Drain(grace_seconds=0.1))
    child.send(Submit(assignment=Assignment(job_id=62, request=flash("too late"))))
    told = child.events(61, 62)
    assert told[61][-1] == told[62][-1] == Interrupted(cause="drained", alone=False)
    assert child.process.wait(SECONDS) == 0


PARENT = """
import socket, subprocess, sys, time
ours, theirs = socket.socketpair()
ours.sendall(sys.argv[1].encode())
child = subprocess.Popen([*sys.argv[2:], "--fd", str(theirs.fileno())], pass_fds=[theirs.fileno()])
theirs.close()
ours.makefile("rb").readline()
print(child.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_does_not_outlive_its_parent(tmp_path: Path, tiny_folder: Path) -> None:
    first = told(tmp_path, tiny_folder).decode()
    parent = subprocess.Popen([sys.executable, "-c", PARENT, first, *COMMAND], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert _alive(pid)
    parent.kill()
    parent.wait()
    blocking_until(lambda: not _alive(pid), "the child goes on without a parent")


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_weights_that_were_cut_in_half_are_its_last_words(tmp_path: Path) -> None:
    """The disk was full while they were copied, or the download broke off."""
    folder = tmp_path / "weights"
    shutil.copytree(EMBEDDED, folder)
    victim = folder / "kandinsky3_flash.safetensors"
    victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    ours, theirs = socket.socketpair()
    ours.sendall(told(tmp_path, folder))
    command = [*COMMAND, "--fd", str(theirs.fileno())]
    ended = subprocess.run(command, pass_fds=[theirs.fileno()], capture_output=True, text=True, timeout=SECONDS)
    theirs.close()
    with ours, ours.makefile("rb") as lines:
        last = [decode_up(line) for line in lines][-1]
    assert ended.returncode == 1
    assert isinstance(last, Trouble) and "kandinsky3_flash" in last.why, last


def test_a_store_that_takes_no_pictures_is_found_before_weights_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    options = WorkerOptions(blobs_url=str(tmp_path / "file" / "blobs"))
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(NotADirectoryError):
        EngineChild(ParentLink(theirs.detach(), exit_on_eof=False), options, device_policy("cpu"), families=()).run(
            1, None
        )
