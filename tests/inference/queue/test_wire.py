from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from inference.queue import wire
from inference.queue.options import WorkerOptions
from inference.queue.timings import Timings
from inference.queue.transport import Assignment, Interrupted, JobReport
from inference.requests import Ability, Failed, FlashTextToImage, ModelCard, Progress, Texts

ASSIGNMENT = Assignment(job_id=7, request=FlashTextToImage(prompt="кот\n«и» пёс", seeds=(1,)), alone=True)
CARD = ModelCard(label=Texts(ru="к", en="k"), abilities={"flash": Ability(sizes={"1:1": (128, 128)})})
OPTIONS = WorkerOptions(blobs_url="memory://u:geheim@h/x", engine=("a", "b c"), weights_dir=Path("/w"))
DOWN: list[wire.DownMessage] = [
    wire.Configure(options=OPTIONS, failed_starts=2),
    wire.Submit(assignment=ASSIGNMENT),
    wire.Cancel(job_id=3),
    wire.Drain(grace_seconds=1.5),
]
UP: list[wire.UpMessage] = [
    wire.Hello(slots=4, card=CARD, pid=1),
    wire.Report(report=JobReport(job_id=7, event=Progress(stage="drawing", step=1, of=4, preview=b"\xff\x00\n"))),
    wire.Report(report=JobReport(job_id=7, event=Interrupted(cause="drained", alone=False))),
    wire.Patience(seconds=90.0, why="loading"),
]


def test_a_message_is_one_line_and_comes_out_as_it_went_in() -> None:
    for message in DOWN:
        line = wire.encode(message)
        assert line.count(b"\n") == 1 and wire.decode_down(line) == message
    for reply in UP:
        line = wire.encode(reply)
        assert line.count(b"\n") == 1 and wire.decode_up(line) == reply


def test_a_message_of_the_wrong_direction_or_shape_is_refused() -> None:
    with pytest.raises(wire.WireError):
        wire.decode_up(wire.encode(DOWN[0]))
    with pytest.raises(wire.WireError):
        wire.decode_down(b'{"type":"submit"}\n')


@pytest.mark.parametrize("job_id", [-1, 2**63, 10**400, 1.5, "x", None])
def test_a_job_is_a_number_that_a_database_can_hold(job_id: object) -> None:
    cancel = {"type": "cancel", "job_id": job_id}
    submit = {"type": "submit", "assignment": {"job_id": job_id, "request": ASSIGNMENT.request.model_dump(mode="json")}}
    for order in (cancel, submit):
        with pytest.raises(wire.WireError):
            wire.decode_down(json.dumps(order).encode())
    report = {"type": "report", "report": {"job_id": job_id, "event": {"type": "started"}}}
    with pytest.raises(wire.WireError):
        wire.decode_up(json.dumps(report).encode())


def test_what_is_to_be_drawn_is_understood_as_a_whole_and_what_comes_up_as_far_as_it_is_known() -> None:
    order = json.loads(wire.encode(DOWN[1]))
    for place in (order, order["assignment"], order["assignment"]["request"]):
        place["mood"] = "good"
        with pytest.raises(wire.WireError, match="mood"):
            wire.decode_down(json.dumps(order).encode())
        del place["mood"]
    hello = json.loads(wire.encode(wire.Hello(slots=4, card=CARD, timings=Timings(), pid=1)))
    for place in (hello, hello["card"], hello["card"]["abilities"]["flash"], hello["card"]["label"], hello["timings"]):
        place["mood"] = "good"
    hello["card"]["abilities"]["dream"] = {"depth": 3}
    assert wire.decode_up(json.dumps(hello).encode()) == wire.Hello(slots=4, card=CARD, timings=Timings(), pid=1)


def test_what_an_error_says_is_told_by_its_beginning() -> None:
    told = Failed(code="internal", message="x" * 10**6)
    assert wire.decode_up(wire.encode(wire.Report(report=JobReport(job_id=7, event=told)))) is not None
    assert set(told.message) == {"x"} and len(told.message) < 10_000


async def test_both_ends_talk_in_order_and_see_the_end_but_not_half_a_line() -> None:
    ours, theirs = socket.socketpair()
    link = await wire.open_link(ours)
    beside = theirs.dup()
    child = wire.ParentLink(theirs.detach(), exit_on_eof=False)
    for down in DOWN:
        link.send(down)
    await link.flush()
    assert [child.inbox.get(timeout=10) for _ in DOWN] == DOWN
    for up in UP:
        child.send(up)
    assert [wire.decode_up(await link.line() or b"") for _ in UP] == UP
    beside.sendall(b'{"type":"hel')
    beside.close()
    child.close()
    assert await link.line() is None
    assert child.inbox.get(timeout=10) is None
    link.send(DOWN[0])  # to nobody: no error
    await link.close()


def test_a_child_that_is_told_nonsense_takes_it_for_the_end() -> None:
    ours, theirs = socket.socketpair()
    child = wire.ParentLink(theirs.detach(), exit_on_eof=False)
    ours.sendall(wire.encode(DOWN[0]) + b"nonsense\n" + wire.encode(DOWN[1]))
    assert child.inbox.get(timeout=10) == DOWN[0]
    assert child.inbox.get(timeout=10) is None
    child.close()
    ours.close()


async def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINE_BYTES", 1000)
    ours, theirs = socket.socketpair()
    link = await wire.open_link(ours)
    theirs.sendall(b"x" * 5000)
    with pytest.raises(ValueError, match="1000"):
        await link.line()
    await link.close()
    theirs.close()


def test_a_child_without_a_parent_ends_even_when_it_is_busy() -> None:
    program = (
        "import sys, time\n"
        "from inference.queue.wire import Hello, ParentLink\n"
        "link = ParentLink(int(sys.argv[1]))\n"
        "link.send(Hello(slots=1, pid=1))\n"
        "while True: time.sleep(0.01)\n"
    )
    ours, theirs = socket.socketpair()
    child = subprocess.Popen([sys.executable, "-c", program, str(theirs.fileno())], pass_fds=[theirs.fileno()])
    theirs.close()
    assert ours.makefile("rb").readline() == wire.encode(wire.Hello(slots=1, pid=1))
    ours.shutdown(socket.SHUT_RDWR)
    assert child.wait(20) == 0


def test_a_child_puts_away_what_it_holds_before_it_ends_of_its_parent(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from inference.queue.wire import Hello, ParentLink\n"
        "link = ParentLink(int(sys.argv[1]))\n"
        "def put_away():\n"
        "    pathlib.Path(sys.argv[2]).write_text('done')\n"
        "    raise OSError('and then fails')\n"
        "link.before_exit = put_away\n"
        "link.send(Hello(slots=1, pid=1))\n"
        "while True: time.sleep(0.01)\n"
    )
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", program, str(theirs.fileno()), str(tmp_path / "away")]
    child = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    theirs.close()
    ours.makefile("rb").readline()
    ours.shutdown(socket.SHUT_RDWR)
    assert child.wait(20) == 0 and (tmp_path / "away").read_text() == "done"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_the_kernel_ends_a_child_whose_parent_is_killed() -> None:
    grandchild = (
        "from inference.queue.wire import die_with_parent; die_with_parent(); print('ready', flush=True); input()"
    )
    read, write = os.pipe()  # held open by us, so that no end of a stream ends the grandchild
    start = f"subprocess.Popen([sys.executable, '-c', {grandchild!r}], stdin={read}).wait()"
    child = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys; {start}"], stdout=subprocess.PIPE, pass_fds=[read]
    )
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    child.kill()
    assert child.stdout.read() == b"", "its standard output is closed by the last of them"
    child.wait()
    os.close(read)
    os.close(write)
