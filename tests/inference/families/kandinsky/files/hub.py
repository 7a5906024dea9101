"""As much of the Hugging Face hub as downloading a file needs, served from a folder laid out as owner/name/path."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """`gets`: what was served, as (path, first byte); `break_after`: the next longer answer breaks off there, and
    resets the connection if `reset`. `refusals` are the statuses of the next answers for a path that ends like that.
    """

    address: str
    gets: list[tuple[str, int]] = field(default_factory=list)
    break_after: int | None = None
    reset: bool = False
    refusals: dict[str, list[int]] = field(default_factory=dict)

    def refusal(self, path: str) -> int | None:
        """The status that this request is refused with."""
        left = next((left for ending, left in self.refusals.items() if path.endswith(ending) and left), None)
        return left.pop(0) if left is not None else None


@contextmanager
def hub_of(folder: Path) -> Iterator[Hub]:
    """Serves `folder` on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(folder))
    hub = server.hub = Hub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            owner, name, verb, _revision, *rest = unquote(urlsplit(self.path).path).strip("/").split("/")
            path = folder.joinpath(owner, name, *rest)
            refused = self.server.hub.refusal(path.as_posix())  # type: ignore[attr-defined]
            if refused is not None:
                self.send_response(refused)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if verb != "resolve" or not path.is_file():
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = path.read_bytes()
            first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
            self.send_response(206 if first else 200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(content) - first))
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            if body:
                self._send(path, content[first:], first)

        def _send(self, path: Path, content: bytes, first: int) -> None:
            hub: Hub = self.server.hub  # type: ignore[attr-defined]
            hub.gets.append((path.relative_to(folder).as_posix(), first))
            if hub.break_after is not None and len(content) > hub.break_after:
                content, hub.break_after = content[: hub.break_after], None
                self.close_connection = True
                if hub.reset:
                    self._reset(content)
                    return
            self.wfile.write(content)

        def _reset(self, content: bytes) -> None:
            """Breaks off as a router does that has forgotten the connection: what was sent last may not arrive."""
            self.wfile.write(content)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler
