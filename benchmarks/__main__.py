"""`python -m benchmarks [NAME …] [--json FILE]`: each benchmark in a fresh process, one table at the end."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.harness import Row, table

BENCHMARKS = ("bot", "queue", "load", "e2e", "memory", "masks", "time", "fleet")


def machine() -> str:
    """The machine the figures come from, in one line."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    processor = models[0] if models else platform.processor()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"


def measure(name: str) -> list[Row]:
    """The rows of one benchmark, run as `python -m benchmarks.bench_NAME` so that none inherits another's memory."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.bench_{name}"], check=True, stdout=subprocess.PIPE, text=True
    )
    rows = []
    for line in done.stdout.splitlines():
        fields = json.loads(line)
        fields.pop("verdict")
        rows.append(Row(**fields))
    return rows


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Which: " + ", ".join(BENCHMARKS))] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write the rows to this file.")] = None,
) -> None:
    chosen = names or list(BENCHMARKS)
    if unknown := set(chosen) - set(BENCHMARKS):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    rows = [row for name in chosen for row in measure(name)]
    print(f"{machine()}; median CPU time, one thread\n\n{table(rows)}")
    if as_json is not None:
        as_json.write_text(json.dumps({"machine": machine(), "rows": [row.as_json() for row in rows]}, indent=1))


if __name__ == "__main__":
    typer.run(main)
