"""`python -m tests.chaos [--long] [pytest options]`: faults, kills and floods. Long means 60 jobs and several seeds,
two bots as whole programs, and the table of every fault again and again (`python -m tests.chaos.table` alone)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent

if __name__ == "__main__":
    options = sys.argv[1:]
    is_long = "--long" in options
    if is_long:
        options.remove("--long")
        os.environ["CHAOS_LONG"] = "1"
        options.append("--timeout=1800")
    failed = pytest.main([str(FOLDER), str(FOLDER.parent / "e2e" / "test_takeover.py"), *options])
    if not failed and is_long:
        from tests.chaos import table  # which asks how patient to be

        failed = table.main([])
    sys.exit(failed)
