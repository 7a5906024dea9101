"""`python -m tests.hostile [--long] [PART …]`: each attack in a process of its own, a table each; 1 where one found a
fault. The short run is what the tests do; the long one takes hours."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Annotated

import typer

PARTS = ("updates", "webhook", "presses", "pictures", "flood", "troubles", "kills")


def main(
    parts: Annotated[list[str] | None, typer.Argument(help="Which: " + ", ".join(PARTS))] = None,
    long: Annotated[bool, typer.Option("--long", help="As many as it takes to be sure.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed attacks in other ways.")] = 1,
    here: Annotated[bool, typer.Option("--here", hidden=True)] = False,
) -> None:
    chosen = parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if here:
        raise SystemExit(max(_attack(part, long, seed) for part in chosen))
    options = ["--here", f"--seed={seed}", *(["--long"] if long else [])]
    runs = [subprocess.run([sys.executable, "-m", "tests.hostile", *options, part], check=False) for part in chosen]
    raise SystemExit(max(run.returncode for run in runs))


def _attack(part: str, long: bool, seed: int) -> int:
    table = importlib.import_module(f"tests.hostile.{part}").attack(long=long, seed=seed)
    print(f"{table}\n", flush=True)
    return 1 if table.faults else 0


if __name__ == "__main__":
    typer.run(main)
