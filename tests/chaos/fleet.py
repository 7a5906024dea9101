"""The stage with workers of its own behind a Redis server, which keeps nothing; all connections can be cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from inference.queue.transport.redis import offer
from tests.chaos.harness import ROOT, Stage
from tests.chaos.wire_cutter import WireCutter
from tests.redis_server import RedisServer


class Fleet(Stage):
    """A worker that is silent for `presence_seconds` counts as gone. With `tls` everybody comes by `rediss://`."""

    def __init__(self, folder: Path, *, presence_seconds: float = 3.0, tls: bool = False, **options: Any) -> None:
        super().__init__(folder, **options)
        self.redis = RedisServer(tls=tls)
        self.redis.start()
        self.wire = WireCutter(self.redis.tls_port if tls else self.redis.socket)
        self.presence = presence_seconds
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def way(self) -> list[str]:
        address = f"redis://127.0.0.1:{self.wire.port}"
        if self.redis.tls is not None:
            address = f"rediss://127.0.0.1:{self.wire.port}?ssl_ca_certs={self.redis.tls.authority}"
        return ["--queue", address, "--presence", str(self.presence)]

    def hire(self, *, clock_seconds: float = 0.0, protocol: int | None = None) -> subprocess.Popen[bytes]:
        """Starts one more worker, on a machine whose clock is so far off, or of a version that speaks another
        protocol."""
        command = [sys.executable, "-m", "tests.chaos.remote_worker", *self.way]
        command += ["--worker", self.worker.model_dump_json()]
        with (self.folder / "workers' log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "STAGE": str(self.folder),
                    "CLOCK_SECONDS": str(clock_seconds),
                    "PROTOCOL": str(protocol or offer.PROTOCOL),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.workers.append(process)
        return process

    @property
    def staff(self) -> list[subprocess.Popen[bytes]]:
        """Workers that live, in the order in which they came."""
        return [worker for worker in self.workers if worker.poll() is None]

    def close(self) -> None:
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()
        super().close()
        self.wire.close()
        self.redis.close()


class Pair(Fleet):
    """Two bots on one PostgreSQL database, of which one leads."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.bots: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """One more bot, which leads or stands by."""
        self.bots.append(self.drive())

    def kill_leader(self) -> None:
        """Whoever has noted something last."""
        leader = self.journal()[-1]["bot"]
        [process] = [bot for bot in self.bots if bot.pid == leader]
        process.kill()
        process.wait()
        self.bots.remove(process)

    def close(self) -> None:
        for bot in self.bots:
            bot.kill()
            bot.wait()
        super().close()
