"""A way to a server that can be cut or slow: a port on this machine, behind it a Unix socket or another port."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path


class WireCutter:
    """Connections to `port` go on to the `target`. While it is `cut`, none lives and none begins. Whatever is said is
    `delay` seconds on its way, in either direction."""

    def __init__(self, target: Path | int) -> None:
        self._target = target
        self.delay = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._is_cut = False
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            ends = list(self._open)
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # of the listener that has been closed
            while True:
                near, _ = self._listener.accept()
                try:
                    far = self._connected()
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    let_in = not self._is_cut
                    if let_in:
                        self._open |= {near, far}
                if not let_in:
                    near.close()
                    far.close()
                    continue
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _connected(self) -> socket.socket:
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(str(self._target))
        except OSError:
            far.close()
            raise
        return far

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(2**16):
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(content)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}
        source.close()
