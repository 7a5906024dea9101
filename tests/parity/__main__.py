"""python -m tests.parity [DIR] [--only NAME]: one row a comparison; exit 1 if any falls short or a file is missing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from tests.parity.replay import RECORDINGS, replay
from tests.parity.rows import Row

DEFAULT = Path(__file__).parent.parent / "golden"


def _line(file: str, case: str, difference: str, tolerance: str, verdict: str) -> str:
    return f"{file:<20} {case:<26} {difference:>10} {tolerance:>10}  {verdict}"


def _describe(row: Row) -> str:
    if row.missing:
        return _line(row.file, row.case, "-", "-", f"missing {row.missing}")
    return _line(
        row.file, row.case, f"{row.difference:.2e}", f"{row.tolerance:.0e}", "ok" if row.passed else "FALLS SHORT"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=DEFAULT, metavar="DIR")
    parser.add_argument("--only", choices=sorted(RECORDINGS), metavar="NAME", help=f"one of {', '.join(RECORDINGS)}")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = replay(asked.directory, asked.only)
    print(_line("file", "case", "max |diff|", "tolerance", "verdict"))
    for row in rows:
        print(_describe(row))
    short = sum(not row.passed for row in rows)
    print(f"{len(rows)} cases, {len(rows) - short} within tolerance, {short} not")
    return 1 if short or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
