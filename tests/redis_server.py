"""A Redis server of one's own, as a real process: on a Unix socket and, where asked, on a port. It keeps nothing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from tests.certificates import certified
from tests.ports import free_port
from tests.waiting import blocking_until

PROGRAM = shutil.which("redis-server")


class RedisServer:
    """Killed and started again it has lost all its data. `password` is asked for where one is given; with `tls` it
    listens on a port where that is spoken, by a certificate of an authority of its own."""

    def __init__(self, *, password: str = "", port: int = 0, tls: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="studio-redis-"))  # a socket's path has to be short
        self.socket = self.folder / "socket"
        self.port = port
        self.password = password
        self.tls = certified(self.folder) if tls else None
        self.tls_port = free_port() if tls else 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        if PROGRAM is None:
            without_redis()
        command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.folder), "--daemonize", "no"]
        command += ["--requirepass", self.password] if self.password else []
        if self.tls is not None:
            command += ["--tls-port", str(self.tls_port), "--tls-auth-clients", "no"]
            command += ["--tls-cert-file", str(self.tls.certificate), "--tls-key-file", str(self.tls.key)]
            command += ["--tls-ca-cert-file", str(self.tls.authority)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        blocking_until(self.answers, lambda: f"a Redis server: {(self.folder / 'log').read_text()}")

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1.0)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(1) in (b"+", b"-")
        except OSError:
            return False

    def tell(self, *lines: str) -> list[bytes]:
        """Says commands on one connection, each as a line; returns the first line of each answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10.0)
            connection.connect(str(self.socket))
            answers = connection.makefile("rb")
            told = []
            for line in lines:
                connection.sendall(line.encode() + b"\r\n")
                told.append(answers.readline().strip())
            return told

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        if how is signal.SIGKILL:
            self.process.wait()
            self.socket.unlink(missing_ok=True)

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def without_redis() -> NoReturn:
    """Skips a test, or fails it where CI has promised a server."""
    if os.environ.get("REDIS_REQUIRED"):
        pytest.fail("redis-server is not installed, and this run has to have it")
    pytest.skip("redis-server is not installed (apt-get install redis-server)")
