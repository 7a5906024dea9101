"""`python -m inference.worker`: started by the bot, at the other end of a socket."""

import typer

from inference.worker.process import worker_command

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)  # tracebacks with variables would show secrets
app.command()(worker_command)
app()
