"""What a doctor says, of the bot and of the engine alike."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import TextIO

from inference.queue.platforms import TRIED, doubt
from inference.queue.redaction import redact


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` is None for what is neither well nor ill."""

    ok: bool | None
    subject: str
    words: str

    def __str__(self) -> str:
        """One line for people, no secret in it."""
        mark = {True: "ok", False: "MISSING", None: "-"}[self.ok]
        return f"{mark:8} {self.subject:10} {redact(self.words)}"

    def tell(self, to: TextIO | None = None) -> bool:
        """Prints it at once, for what comes next may take long. Returns False for an ill one, which is the end of a
        doctor with status 1."""
        print(self, file=to or sys.stdout, flush=True)
        return self.ok is not False


def machine() -> Finding:
    """The system and the Python that this runs on; neither well nor ill where nobody has tried them."""
    unknown = doubt(sys.platform, sys.version_info[:2])
    words = f"{platform.python_version()} on {TRIED.get(sys.platform, sys.platform)}"
    return Finding(None, "Python", f"{words}; {unknown}") if unknown else Finding(True, "Python", words)
