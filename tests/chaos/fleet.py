"""The stage with workers of its own behind a Redis server, which keeps nothing; all connections can be cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.chaos.harness import ROOT, Stage
from tests.chaos.wire_cutter import WireCutter
from tests.redis_server import RedisServer


class Fleet(Stage):
    """A worker that is silent for `presence_seconds` counts as gone."""

    def __init__(self, folder: Path, *, presence_seconds: float = 3.0, **options: Any) -> None:
        super().__init__(folder, **options)
        self.redis = RedisServer()
        self.redis.start()
        self.wire = WireCutter(self.redis.socket)
        self.presence = presence_seconds
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def way(self) -> list[str]:
        return ["--queue", f"redis://127.0.0.1:{self.wire.port}", "--presence", str(self.presence)]

    def hire(self) -> subprocess.Popen[bytes]:
        """Starts one more worker."""
        command = [sys.executable, "-m", "tests.chaos.remote_worker", *self.way]
        command += ["--worker", self.worker.model_dump_json()]
        with (self.folder / "workers' log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "STAGE": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.workers.append(process)
        return process

    def close(self) -> None:
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()
        super().close()
        self.wire.close()
        self.redis.close()
