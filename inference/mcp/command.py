"""`python -m inference mcp`: the tools over standard input and output, or over HTTP for several callers."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from inference.queue.secret_files import SecretFileError, read_secret

KEY, KEY_FILE = "STUDIO_API_KEY", "STUDIO_API_KEY_FILE"


class KeyMissing(Exception):
    """There is no key to draw with; the message says where one belongs."""


def mcp_command(
    url: Annotated[str, typer.Option(envvar="STUDIO_URL", help="Where the studio's API is.")] = "http://127.0.0.1:8090",
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve HTTP on this port of this machine; each caller brings a key."),
    ] = None,
) -> None:
    try:
        from inference.mcp.serving import serve_http, serve_stdio
    except ModuleNotFoundError as absent:
        _stop(f"{absent.name} is not installed; pip install '.[mcp]' brings it")
    try:
        if port is None:
            serve_stdio(url, own_key())
        else:
            serve_http(url, listening(port))
    except KeyMissing as missing:
        _stop(str(missing))
    except OSError as refused:
        _stop(f"port {port} cannot be used: {refused.strerror}")


def own_key() -> str:
    """The key that calls over standard input are made with. Raises KeyMissing."""
    said = os.environ.pop(KEY, "")
    if file := os.environ.get(KEY_FILE):
        try:
            said = read_secret(Path(file), KEY_FILE)
        except SecretFileError as unreadable:
            raise KeyMissing(str(unreadable)) from None
    words = said.split()
    if len(words) != 1 or not words[0].isascii():
        raise KeyMissing(f"No key of the studio: set {KEY}, or {KEY_FILE} to a file that holds one.")
    return words[0]


def listening(port: int) -> socket.socket:
    """A socket of this machine alone. Raises OSError."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _stop(reason: str) -> None:
    print(reason, file=sys.stderr)
    raise SystemExit(2)
