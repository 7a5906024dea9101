"""Where the playground's memory lies: documents by kind and key, and the bytes of files by their sha256.

With a folder both survive a restart (SQLite in WAL mode and plain files); without one they live in this process.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Store:
    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.bytes: dict[str, bytes] = {}
        self.database: sqlite3.Connection | None = None
        if folder is None:
            return
        (folder / "files").mkdir(parents=True, exist_ok=True)
        self.database = sqlite3.connect(folder / "playground.sqlite3", isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        # A killed process loses nothing; only a power cut may take the last second.
        self.database.execute("PRAGMA synchronous=NORMAL")
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS documents (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key))"
            " WITHOUT ROWID"
        )

    def put(self, kind: str, key: str, body: Any) -> None:
        if self.database is not None:
            text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            self.database.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, key, text))

    def delete(self, kind: str, key: str) -> None:
        if self.database is not None:
            self.database.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))

    def documents(self, kind: str) -> Iterator[tuple[str, Any]]:
        if self.database is not None:
            rows = self.database.execute("SELECT key, body FROM documents WHERE kind = ?", (kind,))
            yield from ((key, json.loads(body)) for key, body in rows.fetchall())

    def forget(self, *kinds: str) -> None:
        if self.database is not None:
            self.database.executemany("DELETE FROM documents WHERE kind = ?", [(kind,) for kind in kinds])

    def put_bytes(self, content: bytes) -> str:
        """Keep the bytes; returns their sha256 in hex."""
        digest = hashlib.sha256(content).hexdigest()
        if self.folder is None:
            self.bytes[digest] = content
            return digest
        path = self.folder / "files" / digest
        if not path.exists():
            partial = path.with_suffix(".part")
            partial.write_bytes(content)
            partial.replace(path)
        return digest

    def get_bytes(self, digest: str) -> bytes:
        return self.bytes[digest] if self.folder is None else (self.folder / "files" / digest).read_bytes()

    def forget_bytes(self) -> None:
        self.bytes.clear()
        if self.folder is not None:
            for path in (self.folder / "files").iterdir():
                path.unlink()

    def close(self) -> None:
        if self.database is not None:
            self.database.close()
