"""The command line of `python -m bot setup`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.settings import Settings, SettingsError, load_settings
from bot.setup.asking import Asking, Nobody, SetupError, Terminal
from bot.setup.draft import SECRETS, Draft, Given, Role, Step
from bot.setup.env_file import EnvFile, EnvFileError
from inference.queue.redaction import redact

OF_THE_BOT = ("database", "updates", "token")  # findings of the doctor


def setup_command(
    role: Annotated[Role | None, typer.Option(help="What this machine does.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the bot's token; or set BOT_TOKEN.")] = None,
    telegram_api_url: Annotated[str | None, typer.Option(help="A Bot API server of your own.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask Telegram about the token.")] = False,
    admins: Annotated[str | None, typer.Option(help="Telegram ids of the owners, with commas, or nobody.")] = None,
    allowed: Annotated[str | None, typer.Option(help="Ids of who may draw, with commas, or everybody.")] = None,
    data_dir: Annotated[str | None, typer.Option(help="Folder for the database and the pictures.")] = None,
    weights_dir: Annotated[str | None, typer.Option(help="Folder for the weights.")] = None,
    queue_url: Annotated[str | None, typer.Option(help="Redis server without a password in its address.")] = None,
    queue_url_file: Annotated[Path | None, typer.Option(help="File with the address of the Redis server.")] = None,
    blobs_url: Annotated[str | None, typer.Option(help="Where pictures lie, for several machines.")] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cuda:0, mps, cpu, or every for a worker on each card.")
    ] = None,
    modes: Annotated[str | None, typer.Option(help="Modes to have the weights of, with commas, or none.")] = None,
    only: Annotated[list[Step] | None, typer.Option(help="Do only this step; may be said several times.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: flags and what is there answer.")] = False,
) -> None:
    """Ask for what a studio needs, write .env, fetch weights, have the doctor look. What is there is kept."""
    given = Given(
        role=role,
        only=frozenset(only or ()),
        yes=yes,
        offline=offline,
        token_file=token_file,
        telegram_api_url=telegram_api_url,
        admins=admins,
        allowed=allowed,
        data_dir=data_dir,
        weights_dir=weights_dir,
        blobs_url=blobs_url,
        queue_url=queue_url,
        queue_url_file=queue_url_file,
        device=device,
        modes=modes,
    )
    if not yes and not sys.stdin.isatty():
        _stop("Questions need a terminal. Say --yes to take what is there, and by flags what shall be otherwise.")
    try:
        well = set_up(given, Nobody() if yes else Terminal())
    except (SetupError, EnvFileError) as refused:
        _stop(str(refused))
    except KeyboardInterrupt:
        print("\nStopped. What was written and fetched stays; start again to go on.", file=sys.stderr)
        raise SystemExit(130) from None
    raise SystemExit(0 if well else 1)


def set_up(given: Given, asking: Asking) -> bool:
    """All steps, or those that were asked for. Returns whether the doctor finds everything well. Raises SetupError and
    EnvFileError."""
    from bot.setup.steps import (  # what it imports takes long
        choose_drawing,
        choose_people,
        choose_places,
        choose_queue,
        choose_role,
        install,
        write,
    )

    steps = given.only or frozenset(Step)
    draft = Draft(EnvFile(Path(".env")))
    role = choose_role(draft, given, asking)
    if role is not Role.WORKER:
        if Step.TOKEN in steps:
            from bot.setup.token import choose_token

            choose_token(draft, given, asking)
        if Step.PEOPLE in steps:
            choose_people(draft, given, asking)
    if Step.PLACES in steps:
        choose_places(draft, given, asking, role)
    if Step.QUEUE in steps:
        choose_queue(draft, given, asking, role)
    modes: tuple[str, ...] = ()
    if role is not Role.BOT and steps & {Step.DEVICE, Step.MODES}:
        modes = choose_drawing(draft, given, asking, steps, role)
    if draft.wanted:
        write(draft, asking)
    if modes:
        install(draft, modes)
    if Step.DOCTOR not in steps:
        return True
    return examined(role)


def examined(role: Role) -> bool:
    """What the doctor says of all this, and how to go on. Returns whether it is well. Raises SetupError."""
    from bot.doctor import examine
    from bot.logs import set_up_logging

    try:
        settings = load_settings()
    except SettingsError as wrong:
        raise SetupError(f".env cannot be used as it is: {wrong}") from None
    set_up_logging(settings.log_level)
    for secret in SECRETS:
        os.environ.pop(secret, None)  # no program that is started from here has a use for them
    print("\nWhat the doctor finds:", flush=True)
    well = asyncio.run(_examined_worker(settings)) if role is Role.WORKER else asyncio.run(examine(settings))
    program = "python -m inference worker" if role is Role.WORKER else "python -m bot"
    print(f"\nAll is well. Start it: {program}" if well else "\nSomething is missing; the lines above say what.")
    return well


async def _examined_worker(settings: Settings) -> bool:
    """The same for a machine that has no bot."""
    from bot.doctor import examine_engine, findings

    well = [finding.tell() async for finding in findings(settings) if finding.subject not in OF_THE_BOT]
    return examine_engine(settings) and all(well)


def _stop(reason: str) -> None:
    print(redact(reason), file=sys.stderr)
    raise SystemExit(2)
