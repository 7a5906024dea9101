from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from inference.queue.options import WorkerOptions
from inference.queue.transport import Interrupted
from inference.queue.transport.local import LocalDelivery
from inference.queue.wire import Configure, decode_down
from inference.requests import Cancelled, Failed, Finished, Progress, Started
from tests.inference.queue.delivery_contract import OwnersContract, SetUp, assignment, reading, ready
from tests.waiting import until

ENGINE = Path(__file__).parents[2] / "chaos" / "fake_engine.py"
ROOT = Path(__file__).parents[3]


def options(folder: Path, *, slots: int = 4, steps: int = 5, step_seconds: float = 0.005, **more: Any) -> WorkerOptions:
    engine = [sys.executable, str(ENGINE), "--journal", str(folder / "runs"), "--slots", str(slots)]
    engine += ["--steps", str(steps), "--step-seconds", str(step_seconds)]
    return WorkerOptions(engine=tuple(engine), **more)


@pytest.fixture
async def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SetUp]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    started: list[LocalDelivery] = []

    async def set_up(**chosen: Any) -> LocalDelivery:
        started.append(LocalDelivery(options(tmp_path, **chosen)))
        await started[-1].start()
        return started[-1]

    yield set_up
    for each in started:
        await each.close(0.0)


class TestLocalDelivery(OwnersContract):
    pass


def pid_of(local: LocalDelivery) -> int:
    assert local.worker_pid is not None
    return local.worker_pid


async def test_a_killed_worker_is_replaced_and_what_it_held_comes_back(delivery: SetUp) -> None:
    local = await delivery(steps=1000, step_seconds=0.01)
    assert isinstance(local, LocalDelivery)
    await ready(local, 4)
    async with reading(local) as reader:
        await local.submit(assignment(1))
        await until(lambda: Started() in reader.of(1))
        os.kill(killed := pid_of(local), signal.SIGKILL)
        await until(lambda: reader.last_of(1))
        assert reader.last_of(1) == Interrupted(cause="worker_gone", alone=False)
        await ready(local, 4)
    assert local.worker_pid != killed


async def test_a_job_that_comes_while_no_worker_is_there_is_given_back_at_once(tmp_path: Path) -> None:
    local = LocalDelivery(command=[str(tmp_path / "no such program")])
    await local.start()
    async with reading(local) as reader:
        await local.submit(assignment(1))
        await until(lambda: reader.last_of(1))
    assert reader.of(1) == [Interrupted(cause="worker_gone", alone=False)]
    await local.close(0.0)


async def test_a_worker_that_speaks_nonsense_is_killed_and_replaced(tmp_path: Path) -> None:
    program = "import os, sys; open('lives', 'a').write('x'); os.write(int(sys.argv[-1]), b'nonsense\\n'); input()"
    local = LocalDelivery(command=[sys.executable, "-c", f"import os; os.chdir({str(tmp_path)!r}); {program}"])
    await local.start()
    await until(lambda: (tmp_path / "lives").exists() and len((tmp_path / "lives").read_text()) > 1)
    await local.close(0.0)


async def test_a_silent_engine_is_killed_and_its_jobs_reported_hung(delivery: SetUp) -> None:
    local = await delivery(silence_seconds=0.5)
    await ready(local, 4)
    async with reading(local) as reader:
        await local.submit(assignment(1, "hang"))
        await until(lambda: reader.last_of(1))
        assert reader.last_of(1) == Interrupted(cause="engine_hung", alone=True)
        await ready(local, 4)
        await local.submit(assignment(2))
        await until(lambda: reader.last_of(2))
        assert isinstance(reader.last_of(2), Finished)


async def test_a_job_past_its_time_is_stopped_and_fails(delivery: SetUp) -> None:
    local = await delivery(steps=100_000, job_timeout_minutes=1 / 60)
    await ready(local, 4)
    async with reading(local) as reader:
        await local.submit(assignment(1))
        await until(lambda: reader.last_of(1))
    failure = reader.last_of(1)
    assert isinstance(failure, Failed) and failure.code == "timed_out"


async def test_a_job_past_its_time_ends_with_the_pictures_that_are_whole(delivery: SetUp) -> None:
    local = await delivery(job_timeout_minutes=1 / 60, step_seconds=0.1, steps=4)
    await ready(local, 4)
    async with reading(local) as reader:
        await local.submit(assignment(1, "half", seeds=(5, 6, 7, 8)))
        await until(lambda: reader.last_of(1))
    late = reader.last_of(1)
    assert isinstance(late, Finished) and [picture.recipe.seed for picture in late.pictures] == [5, 6]
    assert [note.code for note in late.notes] == ["timed_out"]


async def test_a_hung_job_that_was_cancelled_is_cancelled_when_the_engine_dies(delivery: SetUp) -> None:
    local = await delivery(silence_seconds=0.5)
    await ready(local, 4)
    async with reading(local) as reader:
        await local.submit(assignment(1, "hang"))
        await until(lambda: Started() in reader.of(1))
        await local.cancel(1)
        await until(lambda: reader.last_of(1))
    assert reader.last_of(1) == Cancelled()


async def test_previews_come_once_a_second_at_most(delivery: SetUp) -> None:
    local = await delivery(steps=60, step_seconds=0.03)  # nearly two seconds, a preview at every step
    await ready(local, 4)
    async with reading(local) as reader:
        await local.submit(assignment(1))
        await until(lambda: reader.last_of(1))
    previews = [event for event in reader.of(1) if isinstance(event, Progress) and event.preview is not None]
    took = 60 * 0.03 * 3  # a busy machine
    assert 1 <= len(previews) <= took + 1


WITNESS = """
import os, pathlib, sys
at = sys.argv.index("--fd") + 1
with os.fdopen(int(sys.argv[at]), "rb", buffering=0) as wire:
    line = b""
    while not line.endswith(b"\\n"):
        line += wire.read(1)
    folder = pathlib.Path(sys.argv[1])
    for name, pid in (("engine", os.getpid()), ("worker", os.getppid())):
        for kind in ("cmdline", "environ"):
            (folder / f"{name}.{kind}").write_bytes(pathlib.Path(f"/proc/{pid}/{kind}").read_bytes())
    (folder / "partial").write_bytes(line)
    (folder / "partial").rename(folder / "heard")
    wire.read(1)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_every_option_reaches_the_engine_whole_and_stands_in_no_command_line_or_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    told = WorkerOptions(
        device="cuda:7",
        worker_slots=9,
        previews=False,
        net_dtypes="movq=bfloat16 unet=float16",
        beautifier="none",
        translator="some/one",
        language_4bit=True,
        rewrite_timeout_seconds=77,
        job_timeout_minutes=3,
        shutdown_grace_seconds=4,
        log_level="DEBUG",
        log_format="json",
        blobs_url="memory://studio:geheim@store/pictures",
        weights_dir=tmp_path / "weights",
        engine=(sys.executable, "-c", WITNESS, str(tmp_path)),
        silence_seconds=50,
        start_seconds=60,
        threads=3,
        timings_file=tmp_path / "timings.json",
        scratch_dir=tmp_path / "scratch",
    )
    plain = WorkerOptions()
    alike = [name for name in WorkerOptions.model_fields if getattr(told, name) == getattr(plain, name)]
    assert alike == ["number"], "give every option but the number another value than its default here"
    local = LocalDelivery(told)
    await local.start()
    await until(lambda: (tmp_path / "heard").exists(), seconds=60.0)
    await local.close(0.0)
    assert decode_down((tmp_path / "heard").read_bytes()) == Configure(options=told)
    for name in ("engine", "worker"):
        for kind in ("cmdline", "environ"):
            assert b"geheim" not in (tmp_path / f"{name}.{kind}").read_bytes()
    assert "geheim" not in repr(told)


FICKLE = """
import os, pathlib, runpy, sys
if not pathlib.Path({mended!r}).exists():
    from inference.queue.wire import ParentLink, Trouble
    link = ParentLink(int(sys.argv[sys.argv.index("--fd") + 1]), exit_on_eof=False)
    link.send(Trouble(why="ValueError: cut in half"))
    os._exit(1)
sys.argv[0] = {engine!r}
runpy.run_path({engine!r}, run_name="__main__")
"""


async def told_why(local: LocalDelivery) -> str:
    async def why() -> str | None:
        return (await local.capacity()).trouble

    return str(await until(why, seconds=60.0))


async def test_an_engine_that_never_gets_ready_says_why_and_recovers_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    mended = tmp_path / "mended"
    engine = [sys.executable, "-c", FICKLE.format(mended=str(mended), engine=str(ENGINE))]
    engine += ["--journal", str(tmp_path / "runs")]
    local = LocalDelivery(WorkerOptions(engine=tuple(engine)))
    await local.start()
    async with reading(local) as reader:
        await until(lambda: local.worker_pid, seconds=60.0)
        await local.submit(assignment(1))
        assert await told_why(local) == "ValueError: cut in half"
        await until(lambda: reader.last_of(1))
        assert reader.of(1) == [Interrupted(cause="drained", alone=False)], "given back, at no cost"
        mended.touch()
        await ready(local, 4)
        assert (await local.capacity()).trouble is None
        await local.submit(assignment(1))
        await until(lambda: isinstance(reader.of(1)[-1], Finished))
    await local.close(0.0)


async def test_a_worker_that_always_ends_at_once_says_so_too(tmp_path: Path) -> None:
    local = LocalDelivery(command=[sys.executable, "-c", "raise SystemExit(7)"])
    await local.start()
    assert "exit status 7" in await told_why(local)
    await local.close(0.0)


async def test_a_worker_that_cannot_even_be_started_says_so_too(tmp_path: Path) -> None:
    local = LocalDelivery(command=[str(tmp_path / "no such program")])
    await local.start()
    assert "FileNotFoundError" in await told_why(local)
    await local.close(0.0)


async def test_a_worker_of_another_version_is_refused_by_what_it_says(tmp_path: Path) -> None:
    hello = b'{"type":"hello","slots":"geheim","pid":1}\n'
    local = LocalDelivery(command=[sys.executable, "-c", f"import os, sys; os.write(int(sys.argv[-1]), {hello!r})"])
    await local.start()
    why = await told_why(local)
    assert "same version" in why and "slots" in why and "geheim" not in why
    assert (await local.capacity()).slots == 0
    await local.close(0.0)
