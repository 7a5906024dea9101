"""Which machines the programs of the studio run on, asked before anything is imported that takes that for granted.

Nothing newer than Python 3.8 stands here, and nothing of ours is imported: whoever has come to the wrong place has to
be able to read so.
"""

from __future__ import annotations

import sys
from typing import Tuple  # noqa: UP035 - see above

OLDEST, NEWEST = (3, 11), (3, 13)  # of Python: those that the tests run on
TRIED = {"linux": "Linux", "darwin": "macOS"}  # sys.platform, and what people call it
Version = Tuple[int, int]  # noqa: UP006


def refusal(system: str, python: Version) -> str | None:
    """Why nothing of the studio can run there, in one line that says what to do; None where it can.

    `system` is as `sys.platform` has it.
    """
    if system in ("win32", "cygwin", "msys"):
        return (
            "The studio runs on Linux and macOS. On Windows start it inside WSL2 (wsl --install, then as on Linux) "
            "or in containers."
        )
    if python < OLDEST:
        return f"The studio needs Python {_dotted(OLDEST)} to {_dotted(NEWEST)}; this is {_dotted(python)}."
    return None


def doubt(system: str, python: Version) -> str:
    """What nobody has tried about a machine that is not refused; "" for nothing."""
    parts = []
    if system not in TRIED:
        parts.append(f"tried on {' and '.join(TRIED.values())}, not on {system}")
    if python > NEWEST:
        parts.append(f"tried with Python {_dotted(OLDEST)} to {_dotted(NEWEST)}, not with {_dotted(python)}")
    return "; ".join(parts)


def insist() -> None:
    """Ends this program with status 2 and one line where it cannot run."""
    reason = refusal(sys.platform, (sys.version_info[0], sys.version_info[1]))
    if reason is not None:
        print(reason, file=sys.stderr)
        raise SystemExit(2)


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
