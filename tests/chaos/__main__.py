"""`python -m tests.chaos [--long] [pytest options]`: faults, kills and floods; long means 60 jobs and several seeds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    options = sys.argv[1:]
    if "--long" in options:
        options.remove("--long")
        os.environ["CHAOS_LONG"] = "1"
        options.append("--timeout=600")
    sys.exit(pytest.main([str(Path(__file__).parent), *options]))
