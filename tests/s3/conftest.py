"""A local S3 server (moto) as a real process. `make s3` brings it and the client library, which are in no other run."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.waiting import blocking_until

collect_ignore_glob = [] if importlib.util.find_spec("s3fs") else ["test_*.py"]

PROGRAM = Path(os.environ.get("S3_VENV", ".s3")) / "bin" / "moto_server"
BUCKET = "studio"


class S3Server:
    """Killed and started again it has lost all its data; its bucket is made anew."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}/blobs"

    @property
    def environment(self) -> dict[str, str]:
        """What a program is told that shall find it."""
        return {
            "FSSPEC_S3_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "FSSPEC_S3_KEY": "studio",
            "FSSPEC_S3_SECRET": "secret",
        }

    def start(self) -> None:
        with (self.folder / "s3.log").open("ab") as log:
            command = [str(PROGRAM), "-H", "127.0.0.1", "-p", str(self.port)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        blocking_until(self._has_a_bucket, lambda: (self.folder / "s3.log").read_text())

    def _has_a_bucket(self) -> bool:
        code = f"import s3fs; s3fs.S3FileSystem(skip_instance_cache=True).mkdir({BUCKET!r})"
        environment = {**os.environ, **self.environment}
        return not subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True).returncode

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        if self.process is not None:
            self.process.send_signal(18)  # one that was stopped, too
            self.kill()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    import fsspec

    server = S3Server(tmp_path)
    server.start()
    told = {name.removeprefix("FSSPEC_S3_").lower(): value for name, value in server.environment.items()}
    monkeypatch.setitem(fsspec.config.conf, "s3", told)
    yield server
    server.close()
