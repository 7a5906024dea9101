"""The steps of setting up but for the token. Each looks at what is there and keeps it by default."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bot.settings import Ids
from bot.setup.asking import Asking, SetupError, valid
from bot.setup.draft import Draft, Given, Role, Step, without_secrets
from bot.setup.machine import at_work, choose_device, surveyed
from bot.setup.modes import choose_modes, existing
from inference.queue.address import BY_QUEUE, LOCAL, checked_queue_url, has_password
from inference.queue.secret_files import read_secret

ROLES = {
    Role.ALL: "everything: it speaks to Telegram and draws",
    Role.BOT: "it speaks to Telegram, other machines draw",
    Role.WORKER: "it draws for a bot on another machine",
}


def choose_role(draft: Draft, given: Given, asking: Asking) -> Role:
    """What this machine does."""
    elsewhere = draft.value("QUEUE_URL_FILE") or draft.value("QUEUE_URL") not in ("", LOCAL)
    before = Role.ALL if not elsewhere else Role.BOT if draft.value("BOT_TOKEN") else Role.WORKER
    if given.only and given.role is None:
        return before
    if given.role is None:
        print("What shall this machine do?")
        for role, what in ROLES.items():
            print(f"  {role.value:7} {what}")
    return asking.ask("One of them", given.role or before, _read_role, "--role") if given.role is None else given.role


def choose_people(draft: Draft, given: Given, asking: Asking) -> None:
    """Whom the studio belongs to, and who may draw."""
    questions = (
        ("ADMIN_IDS", given.admins, "Telegram ids of the owners, who are told what is wrong", "--admins"),
        (
            "ALLOWED_USERS",
            given.allowed,
            "Ids of everybody else who may draw (everybody: whoever finds the bot)",
            "--allowed",
        ),
    )
    for name, said, question, flag in questions:
        nobody = "nobody" if name == "ADMIN_IDS" else "everybody"
        default = said if said is not None else draft.value(name) or nobody
        draft.wanted[name] = asking.ask(question, default, _read_ids(nobody), flag)


def choose_places(draft: Draft, given: Given, asking: Asking, role: Role) -> None:
    """Where the database and pictures lie, and the weights where something draws."""
    data = given.data_dir or draft.value("DATA_DIR") or "data"
    draft.wanted["DATA_DIR"] = asking.ask("Folder for the database and the pictures", data, _writable, "--data-dir")
    if role is not Role.BOT:
        weights = given.weights_dir or draft.value("WEIGHTS_DIR") or f"{draft.wanted['DATA_DIR']}/studio-weights"
        draft.wanted["WEIGHTS_DIR"] = asking.ask("Folder for the weights", weights, _writable, "--weights-dir")


def choose_queue(draft: Draft, given: Given, asking: Asking, role: Role) -> None:
    """How bot and workers find each other."""
    if role is Role.ALL:
        draft.wanted |= {"QUEUE_URL": None, "QUEUE_URL_FILE": None}
        if draft.value("BLOBS_URL") == BY_QUEUE:
            draft.wanted["BLOBS_URL"] = None
        return
    for flag, address in (("--queue-url", given.queue_url), ("--blobs-url", given.blobs_url)):
        if address is not None and has_password(address):
            raise SetupError(f"{flag}: everybody on this machine can read a command line; put it into .env, or a file")
    try:
        if given.queue_url_file is not None:
            checked_queue_url(read_secret(given.queue_url_file, "QUEUE_URL_FILE"))
            draft.wanted |= {"QUEUE_URL_FILE": str(given.queue_url_file.absolute()), "QUEUE_URL": None}
        elif given.queue_url is not None:
            draft.wanted |= {"QUEUE_URL": checked_queue_url(given.queue_url), "QUEUE_URL_FILE": None}
    except ValueError as wrong:
        raise SetupError(f"The queue: {wrong}") from None
    if not draft.value("QUEUE_URL_FILE") and draft.value("QUEUE_URL") in ("", LOCAL):
        question = "Address of the Redis server, like redis://:password@host:6379; it is not shown"
        draft.wanted["QUEUE_URL"] = asking.secret(question, _remote, "--queue-url or --queue-url-file")
    _choose_store(draft, given, asking, role)


def _choose_store(draft: Draft, given: Given, asking: Asking, role: Role) -> None:
    """Where pictures lie. A worker needs no store that it shares with the bot."""
    said = given.blobs_url or draft.value("BLOBS_URL")
    if role is Role.WORKER:
        question = f"Where pictures lie: the bot's folder, mounted here, or its s3://…; {BY_QUEUE} sends them by Redis"
        draft.wanted["BLOBS_URL"] = asking.ask(question, said or BY_QUEUE, _address, "--blobs-url")
        return
    here = f"{draft.value('DATA_DIR') or 'data'}/blobs"
    question = f"Where pictures lie: a folder, or s3://…; workers name the same place, or {BY_QUEUE} and share none"
    draft.wanted["BLOBS_URL"] = asking.ask(question, here if said in ("", BY_QUEUE) else said, _store, "--blobs-url")


def choose_drawing(draft: Draft, given: Given, asking: Asking, steps: frozenset[Step], role: Role) -> tuple[str, ...]:
    """On which device, and by which weights; the modes whose weights are to be had."""
    weights, released = folders(draft)
    found = surveyed(weights, released)
    if Step.DEVICE in steps:
        choose_device(draft, given, asking, found, role)
    if Step.MODES not in steps:
        return ()
    return choose_modes(given, asking, found, at_work(draft, found), weights, released)


def folders(draft: Draft) -> tuple[Path, Path]:
    """Where the studio's weights lie, and the hub's on their way there."""
    data = Path(draft.value("DATA_DIR") or "data").expanduser()
    weights = Path(draft.value("WEIGHTS_DIR") or data / "weights").expanduser()
    released = data / "weights"
    return weights, released if released.absolute() != weights.absolute() else data / "released-weights"


def write(draft: Draft, asking: Asking) -> None:
    """Shows what would change in `.env`, and changes it after a yes. Raises SetupError, EnvFileError."""
    changes = draft.file.changes(draft.wanted)
    if not changes:
        print("\n.env has all of it already.")
        return
    print("\n.env changes so:")
    for change in changes:
        print(f"  {change}")
    if not asking.agree("Write it?"):
        raise SetupError("Nothing was written.")
    draft.file.write(draft.wanted)
    for name in draft.outdone():
        print(f"The environment sets {name} otherwise, and wins over .env.")


def install(draft: Draft, modes: tuple[str, ...]) -> None:
    """Fetches and converts the weights of some modes. Raises SetupError."""
    weights, released = folders(draft)
    command = [sys.executable, "-m", "inference", "weights", "install", *modes, "--yes"]
    places = ["--folder", str(weights), "--released", str(released)]
    ended = subprocess.run([*command, *places], env=without_secrets(os.environ), check=False)
    if ended.returncode != 0:
        again = "python -m bot setup --only modes --modes " + ",".join(modes)
        raise SetupError(f"The weights are not all there. What has come is kept; go on with: {again}")


def _read_role(said: str) -> Role:
    if said not in list(Role):
        raise ValueError(f"say {', '.join(role.value for role in Role)}")
    return Role(said)


def _read_ids(nobody: str) -> Callable[[str], str | None]:
    def read(said: str) -> str | None:
        return None if said == nobody else ",".join(str(one) for one in sorted(valid(Ids, said))) or None

    return read


def _writable(said: str) -> str:
    place = existing(Path(said))
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise ValueError(f"{place} cannot be written to")
    return said


def _remote(said: str) -> str:
    if said == LOCAL:
        raise ValueError("that is this machine")
    return checked_queue_url(said)


def _address(said: str) -> str:
    if not said:
        raise ValueError("a folder or an address is needed")
    return said


def _store(said: str) -> str:
    if said == BY_QUEUE:
        raise ValueError(f"{BY_QUEUE} is for workers: with the bot pictures lie in a folder, or in s3://…")
    return _address(said)
