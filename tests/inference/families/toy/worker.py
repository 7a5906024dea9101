"""`python -m tests.inference.families.toy.worker`: the worker, who has to know the kinds it passes on."""

import typer

from inference.requests import register
from inference.worker.process import worker_command
from tests.inference.families.toy.requests import Mosaic

if __name__ == "__main__":
    register(Mosaic)
    typer.run(worker_command)
