"""`python -m tests.images`: the images of bot and worker, built for real and started without a container engine.

A chat page, a bot, a Redis server and a worker draw one picture; the first two run in the bot's image, the last in that
of worker-cpu, all as the user 10001 without any right, on a root that cannot be written to. Root, Debian and a few
gigabytes are needed; what is made lies in build/images.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from PIL import Image as Picture

from bot.demo import DEMO_TOKEN
from tests.images.building import ROOT, CannotError, Image, build, forget, make_base, provide
from tests.ports import free_port
from tests.waiting import until

FOLDER = ROOT / "build" / "images"
USER = "10001"
PATIENCE = 900.0  # seconds in which a busy machine starts and draws
STOPS_WITHIN = {"bot": 60.0, "worker": 120.0, "playground": 15.0}  # what docker/compose.yaml gives them
UNPRIVILEGED = ("--reuid", USER, "--regid", USER, "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all")
PROBE = """
import os, pathlib
status = dict(line.split(":\\t", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
assert os.getuid() == 10001 and int(status["CapEff"], 16) == 0 and status["NoNewPrivs"].strip() == "1", status
for place in ("/venv/x", "/srv/x", "/etc/x"):
    try:
        open(place, "w")
    except OSError as refused:
        assert refused.errno in (13, 30), refused
    else:
        raise AssertionError(f"{place} can be written")
print("uid 10001, no capabilities, none to gain, the root cannot be written to")
"""


@dataclass
class Container:
    """A program in an image, under its init, as a container's engine would start it."""

    name: str
    process: subprocess.Popen[bytes]
    init: int  # its number on this machine

    def alive(self) -> bool:
        return self.process.poll() is None

    async def stop(self) -> float:
        """Seconds from SIGTERM to the end, which has to be a clean one."""
        begun = time.monotonic()
        os.kill(self.init, signal.SIGTERM)
        status = await asyncio.to_thread(self.process.wait, STOPS_WITHIN[self.name])
        assert status == 0, f"{self.name} ended with {status}"
        return time.monotonic() - begun


def sandboxed(image: Image, data: Path, settings: dict[str, str], *command: str) -> list[str]:
    """The command line that starts a command in an image; its /tmp is memory, its /data the folder."""
    environment = {"PATH": "/venv/bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", **settings}
    return [
        *("bwrap", "--ro-bind", str(image.root), "/", "--proc", "/proc", "--dev", "/dev"),
        *("--perms", "1777", "--tmpfs", "/tmp", "--bind", str(data), "/data", "--chdir", "/srv"),
        *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--die-with-parent", "--clearenv"),
        *(part for name, value in environment.items() for part in ("--setenv", name, value)),
        *("setpriv", *UNPRIVILEGED, "--no-new-privs", "tini", "--", *command),
    ]


@contextlib.contextmanager
def started(name: str, image: Image, data: Path, settings: dict[str, str], *command: str) -> Iterator[Container]:
    reading, writing = os.pipe()
    line = sandboxed(image, data, settings, *command)
    line[1:1] = ["--info-fd", str(writing)]
    with (FOLDER / f"start-{name}.log").open("wb") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading, "rb") as info:
        told = info.read()
    if not told:
        process.kill()
        raise CannotError(f"{name} does not start: {(FOLDER / f'start-{name}.log').read_text('utf-8', 'replace')}")
    container = Container(name, process, json.loads(told)["child-pid"])
    assert container.init > 1
    try:
        yield container
    finally:
        if container.alive():
            # Everything inside goes with its init; bwrap's own death would not be noticed by another user.
            with contextlib.suppress(ProcessLookupError):
                os.kill(container.init, signal.SIGKILL)
            process.wait()


def run_once(image: Image, data: Path, settings: dict[str, str], *command: str) -> tuple[int, str]:
    ended = subprocess.run(
        sandboxed(image, data, settings, *command), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return ended.returncode, (ended.stdout + ended.stderr).strip()


def a_folder(name: str) -> Path:
    """An empty one that the user of the images may write to."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chown(folder, int(USER), int(USER))
    return folder


@contextlib.contextmanager
def redis_server(port: int) -> Iterator[None]:
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (FOLDER / "start-redis.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=FOLDER)
    try:
        yield
    finally:
        server.kill()
        server.wait()


async def sim(address: str, path: str, **fields: Any) -> Any:
    async with aiohttp.request("POST" if fields else "GET", f"{address}/sim/{path}", json=fields or None) as response:
        return await response.json()


async def draw(bot: Image, worker: Image) -> list[str]:
    """Has both images draw a picture. Returns what is worth telling, and leaves the picture in the folder."""
    data, chats = a_folder("data"), a_folder("chats")
    page, queue = free_port(), free_port()
    address = f"http://127.0.0.1:{page}"
    (data / "token").write_text(DEMO_TOKEN)
    shared = {"DATA_DIR": "/data", "QUEUE_URL": f"redis://127.0.0.1:{queue}/0"}
    of_bot = {"BOT_TOKEN_FILE": "/data/token", "TELEGRAM_API_URL": address, "HEALTH_FILE": "/data/bot.health", **shared}
    of_worker = {"DEVICE": "cpu", "OMP_NUM_THREADS": "1", "HEALTH_FILE": "/data/worker.health", **shared}
    look_bot = (bot, data, of_bot, "python", "-m", "bot", "health", "--ready")
    look_worker = (worker, data, of_worker, "python", "-m", "inference", "health", "--ready")
    told = [f"{image.name}: {run_once(image, data, shared, 'python', '-c', PROBE)[1]}" for image in (bot, worker)]
    told.append(f"before anything runs: {run_once(*look_bot)}, {run_once(*look_worker)}")
    pages = ("--host", "127.0.0.1", "--port", str(page), "--state", "/data/playground")
    begun = time.monotonic()
    with (
        redis_server(queue),
        started("playground", bot, chats, {}, "python", "-m", "bot.playground", *pages) as playground,
        started("worker", worker, data, of_worker, "python", "-m", "inference", "worker") as drawing,
        started("bot", bot, data, of_bot, "python", "-m", "bot") as answering,
    ):
        containers = (answering, drawing, playground)

        async def served() -> bool:
            assert all(container.alive() for container in containers), "one has ended: see its log"
            with contextlib.suppress(aiohttp.ClientError):
                return bool((await sim(address, "bots"))["bots"])
            return False

        async def result() -> dict[str, Any] | None:
            assert all(container.alive() for container in containers), "one has ended: see its log"
            messages = (await sim(address, "transcript?chat=1001"))["messages"]
            shown = [message for message in messages if message.get("photo") and message["from"]["is_bot"]]
            return shown[-1] if shown and shown[-1].get("buttons") else None

        await until(served, seconds=PATIENCE)
        await sim(address, "message", user=1001, text="a red circle on a blue background --n 1", language="en")
        message = await until(result, seconds=PATIENCE)
        told.append(f"from the first start to a picture: {time.monotonic() - begun:.1f} s")
        async with aiohttp.request("GET", address + message["photo"]["file_url"]) as answer:
            content = await answer.read()
        (FOLDER / "picture.jpg").write_bytes(content)
        told.append(seen_in(content))
        for look in (look_bot, look_worker):
            status, words = await asyncio.to_thread(run_once, *look)
            assert status == 0, words
            told.append(f"{' '.join(look[3:])}: {words}")
        told += [f"{container.name} stops in {await container.stop():.1f} s" for container in containers]
    return told


def seen_in(content: bytes) -> str:
    """Looks at the picture: red in the middle, blue at the edge. Raises AssertionError."""
    picture = Picture.open(io.BytesIO(content)).convert("RGB")
    width, height = picture.size
    small = np.asarray(picture.resize((16, 16), Picture.Resampling.BOX))
    red, blue = small[8, 8].tolist(), small[0, 0].tolist()
    assert red[0] > red[2] and blue[2] > blue[0], (red, blue)
    return f"the picture: {width} x {height}, {red} in the middle, {blue} in the corner"


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    images: list[Image] = []
    try:
        provide()
        make_base(FOLDER)
        images += [build(target, FOLDER) for target in ("bot", "worker-cpu")]
        for image in images:
            print(f"{image.name}: {image.megabytes:.0f} MB, built in {image.seconds:.0f} s")
        print("\n".join(asyncio.run(draw(*images))))
    except CannotError as lack:
        print(lack, file=sys.stderr)
        return 2
    finally:
        for image in images:
            forget(image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
