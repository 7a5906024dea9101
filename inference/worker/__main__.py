"""`python -m inference.worker`: started by the bot, at the other end of a socket."""

import typer

from inference.worker.process import worker_command

typer.run(worker_command)
