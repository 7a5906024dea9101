"""An authority of one's own and a certificate by it, for a server on this machine (openssl)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certified(NamedTuple):
    """Files in PEM: whom clients trust, and what the server shows."""

    authority: Path
    certificate: Path
    key: Path


def certified(folder: Path) -> Certified:
    """A certificate for 127.0.0.1 that is good for a day."""
    made = Certified(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    authority_key, request, names = folder / "ca.key", folder / "server.csr", folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    new_key = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    _openssl(
        "req", "-x509", *new_key, "-keyout", authority_key, "-out", made.authority, "-days", "1", "-subj", "/CN=CA"
    )
    _openssl("req", *new_key, "-keyout", made.key, "-out", request, "-subj", "/CN=localhost")
    signer: list[str | Path] = ["-CA", made.authority, "-CAkey", authority_key, "-CAcreateserial"]
    _openssl("x509", "-req", "-in", request, "-out", made.certificate, *signer, "-extfile", names, "-days", "1")
    return made


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
