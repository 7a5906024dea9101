"""The stage: starts and kills the driver, knows its children, and judges what a person would have seen."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy.exc import ProgrammingError

from inference.queue.database import open_database
from inference.queue.options import WorkerOptions
from tests.waiting import PATIENCE, blocking_until

ROOT = Path(__file__).parents[2]
TERMINAL = ("done", "failed", "dead", "cancelled")


class Stage:
    """One run in one folder. The plan is the list of updates that Telegram would deliver."""

    def __init__(
        self,
        folder: Path,
        *,
        slots: int = 4,
        steps: int = 8,
        step_seconds: float = 0.005,
        silence_seconds: float = 20.0,
        limits: dict[str, object] | None = None,
        database_url: str | None = None,
    ) -> None:
        self.folder = folder
        self.database_url = database_url or f"sqlite+aiosqlite:///{folder / 'jobs.db'}"
        self.limits = {"waiting_per_person": 1000, "queue_cap": 100_000, "retry_seconds": 0.05, **(limits or {})}
        engine = [sys.executable, str(Path(__file__).with_name("fake_engine.py")), "--journal", str(folder / "runs")]
        engine += ["--slots", str(slots), "--steps", str(steps), "--step-seconds", str(step_seconds)]
        self.worker = WorkerOptions(engine=tuple(engine), silence_seconds=silence_seconds)
        self.plan: list[dict[str, Any]] = []
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "plan").touch()

    @property
    def way(self) -> list[str]:
        """How the driver reaches its workers: by itself one beside it."""
        return []

    # Life

    def start(self) -> None:
        self.process = self.drive()

    def drive(self) -> subprocess.Popen[bytes]:
        """One more driver."""
        command = [sys.executable, "-m", "tests.chaos.driver", "--folder", str(self.folder)]
        command += ["--database", self.database_url]
        command += ["--limits", json.dumps(self.limits), "--worker", self.worker.model_dump_json(), *self.way]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "STAGE": str(self.folder)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def close(self) -> None:
        """Ends whatever is left, however the test went."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, as a service manager would. Returns the exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def kill_bot(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def worker_pid(self) -> int | None:
        return next(iter(self.processes("inference.worker")), None)

    def engine_pid(self) -> int | None:
        return next(iter(self.processes("fake_engine.py")), None)

    def kill(self, pid: int | None, how: signal.Signals = signal.SIGKILL) -> bool:
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, how)
            return True
        return False

    def processes(self, program: str = "") -> list[int]:
        """Living processes that work in this run's folder, all or those that run a script or module."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with suppress(OSError):
                    command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    alive = ") Z " not in (entry / "stat").read_text()
                    ours = f"STAGE={self.folder}".encode() in (entry / "environ").read_bytes().split(b"\0")
                    if alive and ours and any(word.endswith(program) for word in command[1:3]):
                        found.append(int(entry.name))
        return sorted(found)

    def tell(self, *words: object) -> None:
        """A word to the driver: cancel JOB, block SECONDS, clock SECONDS."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self.process.stdin.flush()

    # Plan

    def ask(self, prompts: Iterable[str], owner: int | Sequence[int] = 1, priority: int = 0) -> list[int]:
        """Adds updates to the plan. Returns their update ids."""
        owners = [owner] if isinstance(owner, int) else list(owner)
        added = []
        with (self.folder / "plan").open("a") as plan:
            for number, prompt in enumerate(prompts):
                update = {
                    "update": len(self.plan) + 1,
                    "owner": owners[number % len(owners)],
                    "prompt": prompt,
                    "priority": priority,
                }
                self.plan.append(update)
                added.append(len(self.plan))
                plan.write(json.dumps(update) + "\n")
        return added

    # What happened

    def rows(self, query: str = "select * from jobs order by id") -> list[dict[str, Any]]:
        if self.database_url.startswith("postgresql"):
            return asyncio.run(_rows(self.database_url, query))
        path = self.folder / "jobs.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            try:
                return [dict(row) for row in database.execute(query)]
            except sqlite3.OperationalError as early:
                if "no such table" in str(early):
                    return []
                raise

    def states(self) -> Counter[str]:
        return Counter(row["state"] for row in self.rows("select state from jobs"))

    def journal(self, what: str = "") -> list[dict[str, Any]]:
        return [line for line in _lines(self.folder / "journal") if what in ("", line["what"])]

    def runs(self, what: str = "") -> list[dict[str, Any]]:
        return [line for line in _lines(self.folder / "runs") if what in ("", line["what"])]

    def inside(self) -> set[int]:
        """Jobs that have started in the living engine and not ended."""
        engine = self.engine_pid()
        runs = [line for line in self.runs() if line["engine"] == engine]
        started, ended = ({line["job"] for line in runs if line["what"] == what} for what in ("start", "end"))
        return started - ended

    def settled(self) -> bool:
        open_jobs = self.rows(f"select id from jobs where shown_at is null or state not in {TERMINAL} limit 1")
        return not open_jobs and self.taken_in() == len(self.plan)

    def taken_in(self) -> int:
        """How many jobs there are."""
        return sum(row["number"] for row in self.rows("select count(*) as number from jobs"))

    def open(self) -> int:
        """How many of these have not been shown yet."""
        return sum(row["number"] for row in self.rows("select count(*) as number from jobs where shown_at is null"))

    def wait_settled(self, seconds: float = PATIENCE) -> None:
        blocking_until(self.settled, f"all of {len(self.plan)} jobs shown; states are {self.states()}", seconds=seconds)

    def judge(self, *, kills_of_bot: int = 0) -> Counter[str]:
        """Every accepted job ended exactly once, and so did what a person saw of it. Returns the states."""
        rows = self.rows()
        assert sorted(row["update_id"] for row in rows) == [update["update"] for update in self.plan], (
            "one job an update"
        )
        assert all(row["state"] in TERMINAL and row["shown_at"] is not None for row in rows), self.states()
        shown = defaultdict(list)
        for line in self.journal("shown"):
            shown[line["job"]].append(line)
        assert set(shown) == {row["id"] for row in rows}
        repeats = sum(len(lines) - 1 for lines in shown.values())
        # A display may be repeated only where a kill fell between it and its commit, and it changes nothing then.
        assert repeats <= kills_of_bot, f"{repeats} repeated displays"
        for row in rows:
            lines = shown[row["id"]]
            assert {line["message"] for line in lines} == {row["message_id"]}, "the old status message"
            assert len({line["outcome"] for line in lines}) == 1
            assert len({line["bot"] for line in lines}) == len(lines), "no repetition within one life"
            assert json.loads(row["outcome"])["type"] == lines[0]["outcome"]
        return self.states()


async def _rows(url: str, query: str) -> list[dict[str, Any]]:
    database = open_database(url)
    try:
        async with database.connect() as connection:
            found = await connection.exec_driver_sql(query)
            return [dict(row) for row in found.mappings()]
    except ProgrammingError:  # no such table yet
        return []
    finally:
        await database.dispose()


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]
