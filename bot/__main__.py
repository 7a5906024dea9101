"""`python -m bot [run|setup|demo|migrate|doctor|health|backup|restore|api]`; `run` where nothing is said.

What takes long to import waits until the settings are known to be usable, so that a mistake is told at once. While it
is imported the garbage collector rests: it would look at all that stays again and again, a quarter of the start.
"""

from __future__ import annotations

from inference.queue.platforms import insist

insist()

import asyncio
import gc
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from bot.logs import set_up_logging
from bot.settings import Settings, SettingsError, load_settings
from bot.setup.command import setup_command
from inference.queue.redaction import redact
from inference.queue.secret_files import secret_fields

if TYPE_CHECKING:
    from bot.backup import Note

Result = TypeVar("Result")

# Pretty tracebacks would print local variables, tokens among them.
program = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="A Telegram studio for Kandinsky 3.1.")


@program.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    gc.disable()
    if context.invoked_subcommand is None:
        run()


@program.command()
def run() -> None:
    """Run the bot: by polling, or by webhook where WEBHOOK_URL is set."""
    settings = _settings(needs_token=True)
    from bot.app import run as run_bot

    _finish(run_bot(settings))


program.command("setup")(setup_command)


@program.command()
def demo() -> None:
    """Run it all on this machine: chat page, bot and engine. No token needed."""
    from bot.demo import demo as run_demo
    from bot.demo import demo_settings

    try:
        settings = demo_settings()
    except SettingsError as wrong:
        _refuse(wrong)
    _begin(settings)
    _finish(run_demo(settings))


@program.command()
def migrate() -> None:
    """Bring the database to the present shape."""
    settings = _settings()
    from bot.app import migrate_database

    _finish(migrate_database(settings))
    print("the database is up to date")


@program.command()
def backup(folder: Annotated[Path, typer.Argument(help="Where it will lie; must not be there yet.")]) -> None:
    """Copy the database, then all pictures, to a new folder. The bot may run meanwhile."""
    settings = _settings()
    from bot.backup import BackupError, back_up

    _tell("backed up", _finish(back_up(settings, folder), BackupError))


@program.command()
def restore(folder: Annotated[Path, typer.Argument(help="What `backup` has made.")]) -> None:
    """Lay a backup down where there is no database yet. Nothing is overwritten."""
    settings = _settings()
    from bot.backup import BackupError
    from bot.backup import restore as restore_from

    _tell("restored, and compared", _finish(restore_from(settings, folder), BackupError))


@program.command()
def api() -> None:
    """Let programs in, apart from the bot: on PostgreSQL and Redis that they share."""
    settings = _settings()
    from bot.app.apart import run_apart

    _finish(run_apart(settings))


@program.command()
def doctor() -> None:
    """Say what is there, what is missing, and what will therefore work."""
    settings = _settings()
    from bot.doctor import examine

    raise SystemExit(0 if _finish(examine(settings)) else 1)


@program.command()
def health(
    ready: Annotated[
        bool, typer.Option("--ready", help="Fail also while another bot leads and this one waits.")
    ] = False,
) -> None:
    """Say how the bot that runs here is, on one line; end with 1 where it is not well."""
    settings = _settings()
    from bot.health import health_of

    found = health_of(settings)
    print(found.words)
    raise SystemExit(0 if found.ready or (found.alive and not ready) else 1)


def _settings(*, needs_token: bool = False) -> Settings:
    try:
        settings = load_settings()
        if needs_token:
            _ = settings.token
    except SettingsError as wrong:
        _refuse(wrong)
    _begin(settings)
    return settings


def _begin(settings: Settings) -> None:
    set_up_logging(settings.log_level, settings.log_format)
    # The worker and its child inherit the environment, and have no use for these; where blobs lie
    # they are told by the wire.
    for secret in secret_fields(Settings):
        os.environ.pop(secret.upper(), None)


def _finish(work: Coroutine[Any, Any, Result], refusal: type[Exception] = SettingsError) -> Result:
    gc.freeze()
    gc.enable()
    try:
        return asyncio.run(work)
    except (SettingsError, refusal) as wrong:
        _refuse(wrong)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _tell(done: str, note: Note) -> None:
    rows = sum(table.rows for table in note.tables.values())
    print(f"{done}: {rows} rows in {len(note.tables)} tables, {note.pictures} files of {note.bytes / 1e6:.1f} MB")


def _refuse(wrong: Exception) -> NoReturn:
    print(redact(str(wrong)), file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    program()
