"""`python -m inference`: a worker and how it is, the weights, a doctor."""

from __future__ import annotations

from inference.queue.platforms import insist

insist()

import typer

from inference.doctor import doctor_command
from inference.mcp.command import mcp_command
from inference.survey import survey_command
from inference.weights import app as weights
from inference.worker.health import health_command
from inference.worker.process import worker_command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # tracebacks with variables would show secrets
    help="The part of the studio that makes pictures.",
)
app.command("worker", help="Serve pictures to a queue.")(worker_command)
app.command("doctor", help="What is here, what is missing, and which modes will work.")(doctor_command)
app.command("health", help="Whether the worker that runs here is heard by its queue.")(health_command)
app.command("survey", help="Devices and weights of this machine, as JSON.")(survey_command)
app.command("mcp", help="The studio as tools of a language model, through its API.")(mcp_command)
app.add_typer(weights, name="weights", help="Download, convert, verify and list checkpoints.")

if __name__ == "__main__":
    app()
