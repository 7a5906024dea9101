"""The fleet of docker/: bot and worker as programs with the settings of their containers, a real Redis and PostgreSQL.
Hosts, secrets and folders are replaced by those of this machine, the object store by a folder."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import fresh_address, needs_postgres
from tests.e2e.chat import Person, is_result
from tests.e2e.studio import ROOT, TOKEN, Studio
from tests.ports import free_port
from tests.redis_server import RedisServer
from tests.test_containers import COMPOSE, environment_of, filled

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]
PASSWORD = "geheim"


def settings_of(service: dict[str, Any], secrets: Path, **here: str) -> dict[str, str]:
    """What a container is told, every variable of it, with the values that another place makes necessary."""
    told = {name: filled(str(value)) for name, value in environment_of(service).items()}
    assert here.keys() <= told.keys() | {"DATA_DIR"}, "only what is told is told otherwise"
    files = {name: value.replace("/run/secrets", str(secrets)) for name, value in told.items()}
    assert all(Path(value).is_file() for name, value in files.items() if name.endswith("_FILE") and name not in here)
    return files | here


async def test_a_fleet_as_it_is_configured_draws_a_picture(
    playground: Any, person: Callable[..., Person], tmp_path: Path
) -> None:
    needs_postgres()
    server = RedisServer(password=PASSWORD, port=free_port())
    server.start()
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    with fresh_address("postgresql", tmp_path) as database:
        said = {"telegram_token": TOKEN, "queue_url": f"redis://:{PASSWORD}@127.0.0.1:{server.port}"}
        for name, value in {**said, "database_url": database, "s3_credentials": "[default]"}.items():
            (secrets / name).write_text(f"{value}\n")
            (secrets / name).chmod(0o600)
        store = {"BLOBS_URL": str(tmp_path / "store")}
        bot_settings = settings_of(
            COMPOSE["compose.yaml"]["services"]["fleet-bot"],
            secrets,
            **store,
            HEALTH_FILE=str(tmp_path / "bot.health"),
            METRICS_HOST="127.0.0.1",
            METRICS_PORT=str(free_port()),
        )
        worker_settings = settings_of(
            COMPOSE["worker.compose.yaml"]["services"]["worker"],
            secrets,
            **store,
            DATA_DIR=str(tmp_path / "worker"),
            WEIGHTS_DIR=str(tmp_path / "weights"),
            HEALTH_FILE=str(tmp_path / "worker.health"),
        )
        studio = Studio(playground.url, tmp_path / "bot", {"BOT_TOKEN": "", **bot_settings})
        await studio.start()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **worker_settings}
        with (tmp_path / "worker.log").open("wb") as log:
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "inference", "worker"), env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        try:
            await studio.answering()
            anna = person(1001, "en")
            assert is_result(await anna.draw("a red circle --n 1", patience=250))
            assert (tmp_path / "bot.health").is_file() and (tmp_path / "worker.health").is_file()
        finally:
            for program in (studio.process, worker):
                assert program is not None
                if program.returncode is None:
                    program.terminate()
            await asyncio.gather(worker.wait(), studio.process.wait())
            server.kill()
