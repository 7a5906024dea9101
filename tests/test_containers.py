"""What the files in docker/ promise: nobody is root, nothing is open, everything is watched, rotated and given time."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from bot.demo import DEMO_TOKEN
from bot.settings import Settings, load_settings
from inference.queue.secret_files import secret_fields
from inference.worker.remote import RemoteSettings
from tests.redis_server import PROGRAM, without_redis
from tests.waiting import blocking_until

DOCKER = Path(__file__).parents[1] / "docker"
COMPOSE = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in sorted(DOCKER.glob("*compose.yaml"))}
SERVICES = {f"{file}: {name}": service for file, all_ in COMPOSE.items() for name, service in all_["services"].items()}
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
BY_HAND = {name for name, service in SERVICES.items() if service.get("restart") == "no"}
SETTINGS = {name.upper() for name in (*Settings.model_fields, *RemoteSettings.model_fields)}
SECRETS = {name.upper() for name in secret_fields(Settings)}
OF_LIBRARIES = {"AWS_ENDPOINT_URL_S3", "AWS_SHARED_CREDENTIALS_FILE"}
SLOWEST_END = 15  # seconds beyond the grace: last words, engines that are killed, connections that close
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
LASTING = {name: service for name, service in SERVICES.items() if name not in BY_HAND}
every_lasting_service = pytest.mark.parametrize("service", LASTING.values(), ids=LASTING)


def filled(text: str) -> str:
    """With the defaults of its variables, as where none is set."""
    return _VARIABLE.sub(lambda found: found[2] or "", text)


def seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(number) * (60 if unit == "m" else 1)


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    told: dict[str, str] = {}
    for file in service.get("env_file", []):
        path = DOCKER / filled(file if isinstance(file, str) else file["path"])
        if isinstance(file, str) or file.get("required", True):
            lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
            told |= dict(line.split("=", 1) for line in lines)
    return told | service.get("environment", {})


@every_service
def test_nobody_is_root_or_can_become_it(service: dict[str, Any]) -> None:
    user, _, _group = filled(service["user"]).partition(":")
    assert int(user) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service and not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 512
    assert not {"pid", "ipc", "userns_mode", "network_mode"} & service.keys()
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


@every_service
def test_logs_are_rotated_and_memory_ends(service: dict[str, Any]) -> None:
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
    has_card = "deploy" in service
    assert has_card or "mem_limit" in service or service.get("restart") == "no"


@every_lasting_service
def test_what_runs_is_asked_how_it_is_and_started_again(service: dict[str, Any]) -> None:
    check = service["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL") and len(check["test"]) > 1
    assert seconds(check["timeout"]) < seconds(check["interval"]) + 10 and check["retries"] == 3
    assert service["restart"] == "unless-stopped"


@every_service
def test_who_is_asked_to_stop_has_more_time_than_it_takes(service: dict[str, Any]) -> None:
    told = environment_of(service)
    draws_or_listens = "HEALTH_FILE" in told
    grace = float(told.get("SHUTDOWN_GRACE_SECONDS", Settings.model_fields["shutdown_grace_seconds"].default))
    assert seconds(service["stop_grace_period"]) > (grace + SLOWEST_END if draws_or_listens else 10)


@every_service
def test_ports_are_open_on_this_machine_alone_unless_the_owner_says_otherwise(service: dict[str, Any]) -> None:
    assert all(filled(port).startswith("127.0.0.1:") for port in service.get("ports", []))


@every_service
def test_images_of_others_have_a_version_and_may_be_held_by_a_digest(service: dict[str, Any]) -> None:
    assert re.match(r"\$\{STUDIO_\w+_IMAGE:-", service["image"])
    if "build" in service:
        assert (
            filled(service["build"]["args"]["BASE"]) == re.findall(r"^ARG BASE=(\S+)$", dockerfile(), re.MULTILINE)[0]
        )
    else:
        assert re.search(r":v?\d+\.\d[\w.-]*$|:\d+-bookworm$", filled(service["image"]))


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_what_ours_are_told_exists_and_is_no_secret(service: dict[str, Any]) -> None:
    told = environment_of(service)
    assert told.keys() <= SETTINGS | {f"{name}_FILE" for name in SECRETS} | OF_LIBRARIES
    assert not {"BOT_TOKEN", "WEBHOOK_SECRET", "DATABASE_URL"} & told.keys()
    assert "@" not in "".join(told.values())
    files = {Path(value).name for name, value in told.items() if value.startswith("/run/secrets/")}
    assert files == set(service.get("secrets", []))
    values = {name.lower(): value for name, value in told.items() if name in SETTINGS}
    load_settings(_env_file=None, **values)


@pytest.mark.parametrize("file", COMPOSE.values(), ids=COMPOSE)
def test_what_is_named_is_declared_and_what_is_declared_is_used(file: dict[str, Any]) -> None:
    used: dict[str, set[str]] = {"volumes": set(), "secrets": set(), "networks": set()}
    for service in file["services"].values():
        sources = [filled(volume) for volume in service.get("volumes", [])]
        used["volumes"] |= {source.split(":")[0] for source in sources if not source.startswith((".", "/"))}
        used["secrets"] |= set(service.get("secrets", []))
        used["networks"] |= set(service.get("networks", []))
        assert set(service.get("depends_on", {})) <= file["services"].keys()
    for kind, names in used.items():
        assert names == set(file.get(kind, {})), kind


@every_service
def test_what_is_mounted_of_this_repository_is_there(service: dict[str, Any]) -> None:
    sources = [filled(volume).split(":")[0] for volume in service.get("volumes", [])]
    assert all((DOCKER / source).exists() for source in sources if source.startswith("."))


def test_figures_are_asked_for_where_the_bots_serve_them() -> None:
    scraped = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    [found] = [where for job in scraped for where in job["dns_sd_configs"]]
    services = COMPOSE["compose.yaml"]["services"]
    assert found["names"] == ["bot"] and services["fleet-bot"]["networks"]["inside"] == {"aliases": ["bot"]}
    for bot in ("bot", "fleet-bot"):
        assert environment_of(services[bot])["METRICS_PORT"] == str(found["port"])


def test_a_profile_brings_whom_its_services_wait_for() -> None:
    services = COMPOSE["compose.yaml"]["services"]
    for name, service in services.items():
        for needed in service.get("depends_on", {}):
            assert set(service["profiles"]) <= set(services[needed]["profiles"]), (name, needed)
    assert {"cpu", "gpu", "fleet", "monitoring"} <= {
        profile for service in services.values() for profile in service["profiles"]
    }


def test_who_draws_finds_the_pictures_of_who_asks() -> None:
    services = COMPOSE["compose.yaml"]["services"]
    for worker in ("worker-cpu", "worker", "worker-second-card"):
        bot = environment_of(services["bot"])
        assert {name: environment_of(services[worker])[name] for name in ("DATA_DIR", "QUEUE_URL")} == {
            name: bot[name] for name in ("DATA_DIR", "QUEUE_URL")
        }
        assert "data:/data" in services[worker]["volumes"] and "data:/data" in services["bot"]["volumes"]


def dockerfile() -> str:
    return (DOCKER / "Dockerfile").read_text("utf-8")


def stages() -> Iterator[tuple[str, str, str]]:
    """Name, what it is built on, and its lines."""
    for text in re.split(r"^(?=FROM )", dockerfile(), flags=re.MULTILINE)[1:]:
        base, name = re.match(r"FROM (\S+) AS (\S+)", text).groups()
        yield name, base, text


def test_every_image_runs_as_somebody_without_rights_under_an_init_and_says_what_it_is() -> None:
    built = {name: (base, text) for name, base, text in stages()}
    for target in {service["build"]["target"] for service in OURS.values()}:
        text = ""
        while target in built:
            base, lines = built[target]
            text, target = lines + text, base
        users = re.findall(r"^USER (.+)$", text, re.MULTILINE)
        assert users == ["10001:10001"]
        assert (
            'ENTRYPOINT ["tini", "--"]' in text
            and "HEALTHCHECK" in text
            and "org.opencontainers.image.licenses" in text
        )


def test_nothing_but_what_is_installed_gets_near_an_image() -> None:
    rules = [line for line in (DOCKER.parent / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in "#"]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert let_in == {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "bot", "inference", "migrations"}


def test_an_owners_own_settings_are_no_part_of_the_repository() -> None:
    ignored = (DOCKER.parent / ".gitignore").read_text("utf-8").splitlines()
    files = [file for service in SERVICES.values() for file in service.get("env_file", [])]
    own = {file["path"] for file in files if isinstance(file, dict) and not file["required"]}
    assert own and {f"docker/{path}" for path in own} <= set(ignored)


def test_the_token_of_the_chat_page_is_the_one_that_everybody_knows() -> None:
    assert (DOCKER / "secrets" / "chat_token").read_text("utf-8").strip() == DEMO_TOKEN


@pytest.mark.parametrize("said", ["", "\n", "  \n"], ids=["nothing", "an empty line", "spaces"])
def test_no_token_is_not_kept_as_one(said: str, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    shutil.copy(DOCKER / "make-secrets", tmp_path)
    command = [str(tmp_path / "make-secrets"), "telegram"]
    refused = subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1 and not list((tmp_path / "secrets").iterdir())
    subprocess.run(command, input=f"{DEMO_TOKEN}\n", capture_output=True, text=True, timeout=60, check=True)
    assert (tmp_path / "secrets" / "telegram_token").read_text() == f"{DEMO_TOKEN}\n"


@pytest.fixture
def made_secrets(tmp_path: Path) -> Path:
    """A copy of docker/ with the secrets of a fleet."""
    (tmp_path / "secrets").mkdir()
    shutil.copy(DOCKER / "make-secrets", tmp_path)
    for _ in range(2):  # what is there stays
        before = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
        ran = subprocess.run(
            [tmp_path / "make-secrets"], input=f"{DEMO_TOKEN}\n", capture_output=True, text=True, timeout=60, check=True
        )
        assert DEMO_TOKEN not in ran.stdout + ran.stderr
        assert before.items() <= {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}.items()
    return tmp_path / "secrets"


def test_the_secrets_that_are_made_are_those_that_are_asked_for(
    made_secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = COMPOSE["compose.yaml"]
    wanted = {Path(filled(secret["file"])).name for secret in file["secrets"].values()} - {"chat_token"}
    assert {path.name for path in made_secrets.iterdir()} == wanted
    assert stat.S_IMODE(made_secrets.stat().st_mode) == 0o700
    for name, value in environment_of(file["services"]["fleet-bot"]).items():
        if name.endswith("_FILE") and name.removesuffix("_FILE") in SECRETS:
            monkeypatch.setenv(name, str(made_secrets / Path(value).name))
    settings = load_settings(_env_file=None)
    assert settings.token == DEMO_TOKEN
    assert re.fullmatch(r"redis://:[0-9a-f]{48}@queue:6379/0", settings.queue_url)
    password = (made_secrets / "postgres_password").read_text()
    assert settings.database_url == f"postgresql+asyncpg://studio:{password}@postgres/studio"


def test_the_queue_of_a_fleet_asks_for_the_password_in_its_address(made_secrets: Path, tmp_path: Path) -> None:
    if PROGRAM is None:
        without_redis()
    service = COMPOSE["compose.yaml"]["services"]["queue"]

    def here(script: str) -> str:
        return script.replace("$$", "$").replace("/run/secrets/queue_url", str(made_secrets / "queue_url"))

    place = f"port 0\nunixsocket {tmp_path}/socket\n"
    script = here(service["command"][2]).replace("requirepass", f"{place}requirepass")
    server = subprocess.Popen(["sh", "-c", script], cwd=tmp_path)
    try:
        blocking_until((tmp_path / "socket").exists)
        stranger = redis.Redis(unix_socket_path=str(tmp_path / "socket"))
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
        password = re.findall(r":([0-9a-f]+)@", (made_secrets / "queue_url").read_text())[0]
        friend = redis.Redis(unix_socket_path=str(tmp_path / "socket"), password=password)
        assert friend.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert friend.config_get("save") == {"save": ""}
        check = here(service["healthcheck"]["test"][1]).replace("redis-cli", f"redis-cli -s {tmp_path}/socket")
        assert subprocess.run(["sh", "-c", check], timeout=60, env=os.environ).returncode == 0
    finally:
        server.kill()
        server.wait()
