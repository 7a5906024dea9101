"""The process that has the server of a test run: `python keeper.py FOLDER PROGRAMS`.

It starts the server when somebody first connects to FOLDER/ask, and answers each who does with an empty line, or with
what went wrong. It ends, and takes server and folder with it, when its own standard input ends: so none is left behind
however the tests end. It imports nothing of the studio, so that a run which needs no server hardly notices it.
"""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

USER = "studio"
# Nothing here has to outlive a power cut; connections come by the socket in the folder alone.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "timezone": "UTC",
}
PATIENCE = 60.0  # seconds


class Server:
    """The cluster in a folder and its process; as another user where we are root, whom PostgreSQL refuses."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        self.process: subprocess.Popen[bytes] | None = None
        self.account = _lesser_account() if os.geteuid() == 0 else None

    def start(self) -> None:
        """Returns when it takes connections. Raises OSError or RuntimeError with what the server said."""
        if self.process is not None:
            return
        if self.account is not None:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)
        cluster = str(self.folder / "cluster")
        made = self._run("initdb", "-D", cluster, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "-N")
        if made.wait() != 0:
            raise RuntimeError(self._said())
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self.process = self._run("postgres", "-D", cluster, "-k", str(self.folder), *options)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self._said())
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # at once: nobody will read this database again
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        account = self.account
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self.programs / program, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else [],
                start_new_session=True,  # Ctrl-C is for the tests
            )

    def _answers(self) -> bool:
        """Whether it lets people in: until then it takes a connection and says that it is starting up."""
        ready = [str(self.programs / "pg_isready"), "-q", "-h", str(self.folder)]
        return subprocess.run(ready, check=False).returncode == 0

    def _said(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")[-2000:]


def _lesser_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def keep(folder: Path, programs: Path) -> None:
    """Answers who asks until standard input ends."""
    server = Server(folder, programs)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # they are meant for the tests, whose end is ours
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(folder / "ask"))
            door.listen(64)
            print("open", flush=True)
            while sys.stdin not in (readable := select.select([door, sys.stdin], [], [])[0]):
                if door in readable:
                    _answer(door, server)
    finally:
        server.stop()


def _answer(door: socket.socket, server: Server) -> None:
    who, _address = door.accept()
    with who:
        try:
            server.start()
            said = ""
        except (OSError, RuntimeError) as failure:
            said = f"PostgreSQL does not start: {failure}"
        who.sendall(f"{said}\n".encode())


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
