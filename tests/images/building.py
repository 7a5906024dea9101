"""Images are built without a container engine: a bare Debian stands in for the base, buildah runs in chroot isolation.

How packages are had on this machine (pip's settings, a certificate, folders of wheels) is mounted while that lasts and
stays in no image.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates")
BASE = "localhost/kandinsky-studio/base"
TORCH_FOR_CPUS = "https://download.pytorch.org/whl/cpu"
PROGRAMS = {
    "buildah": "buildah",
    "bwrap": "bubblewrap",
    "debootstrap": "debootstrap",
    "redis-server": "redis-server",
    "setpriv": "util-linux",
}
BUILDAH = ("buildah", "--storage-driver", "overlay")  # vfs would copy every layer
CERTIFICATE = "/run/pip/certificates.crt"  # never over /etc/ssl/certs, into which packages write


class CannotError(Exception):
    """What this machine lacks, in one line."""


@dataclass(frozen=True)
class Image:
    """`root` is where `container` has its files mounted, `megabytes` (of a million bytes) what buildah says of it."""

    name: str
    container: str
    root: Path
    megabytes: float
    seconds: float


def provide() -> None:
    """Installs the programs that are missing. Raises CannotError."""
    if os.geteuid() != 0:
        raise CannotError("needs root: a file system is made and mounted, and its programs become another user")
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise CannotError(f"needs {', '.join(missing)}, and there is no apt-get to install them")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *missing)):
        subprocess.run(["apt-get", *command], check=True, env=quiet, stdout=subprocess.DEVNULL)


def make_base(folder: Path) -> None:
    """A Debian with Python as an image; the archive it is made from is kept in the folder for the next time."""
    archive = folder / "base" / "base.tar"
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        tree = folder / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        include = f"--include={','.join(PACKAGES)}"
        logged(["debootstrap", "--variant=minbase", include, SUITE, str(tree), MIRROR], folder / "debootstrap.log")
        logged(["tar", "--create", "--file", f"{archive}.part", "--directory", str(tree), "."], folder / "tar.log")
        shutil.rmtree(tree)
        Path(f"{archive}.part").rename(archive)
    (archive.parent / "Containerfile").write_text("FROM scratch\nADD base.tar /\n")
    logged([*BUILDAH, "bud", "--isolation", "chroot", "--tag", BASE, str(archive.parent)], folder / "base.log")


def build(target: str, folder: Path) -> Image:
    """Builds a target of docker/Dockerfile, and mounts what came of it."""
    name = f"localhost/kandinsky-studio/{target}"
    index = TORCH_FOR_CPUS if reachable(f"{TORCH_FOR_CPUS}/") else ""
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    arguments = {"BASE": BASE, "CPU_INDEX": index, "REVISION": revision.stdout.strip() or "unknown"}
    begun = time.monotonic()
    logged(
        [
            *(*BUILDAH, "bud", "--isolation", "chroot", "--network", "host", "--format", "docker", "--layers"),
            *("--file", "docker/Dockerfile", "--target", target, "--tag", name),
            *(part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")),
            *(part for mount in mounts(folder) for part in ("--volume", mount)),
            str(ROOT),
        ],
        folder / f"{target}.log",
    )
    seconds = time.monotonic() - begun
    container = said(*BUILDAH, "from", name)
    size = said(*BUILDAH, "images", "--format", "{{.Size}}", name).splitlines()[0]
    return Image(target, container, Path(said(*BUILDAH, "mount", container)), megabytes_in(size), seconds)


def forget(image: Image) -> None:
    """Takes down what `build` has mounted; the image and its layers stay for the next time."""
    said(*BUILDAH, "rm", image.container)


def mounts(folder: Path) -> Iterator[str]:
    """What pip needs on this machine, as buildah takes it: its settings as one file, and what these name."""
    settings: dict[str, str] = {}
    for line in said(sys.executable, "-m", "pip", "config", "list").splitlines():
        if found := re.fullmatch(r"(?::env:|global|install)\.([\w-]+)='(.*)'", line):
            settings[found[1]] = found[2].replace("\\n", " ")
    certificate = settings.pop("cert", "")
    known = {"index-url", "extra-index-url", "find-links", "trusted-host", "proxy", "timeout", "default-timeout"}
    lines = [f"{key} = {value}" for key, value in settings.items() if key in known]
    if certificate:
        lines.append(f"cert = {CERTIFICATE}")
        yield f"{certificate}:{CERTIFICATE}:ro"
    (folder / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))
    yield f"{folder / 'pip.conf'}:/etc/pip.conf:ro"
    words = {word for line in lines for word in line.partition(" = ")[2].split()}
    for place in sorted({word.removeprefix("file://") for word in words if word.startswith(("/", "file:///"))}):
        if place != CERTIFICATE and Path(place).is_dir():
            yield f"{place}:{place}:ro"
            parent = str(Path(place).parent)  # an index of files may link to what lies beside it
            if place.endswith("/simple"):
                yield f"{parent}:{parent}:ro"


def reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except (urllib.error.URLError, OSError):
        return False


def megabytes_in(size: str) -> float:
    number, unit = size.split()
    return float(number) * {"B": 1e-6, "KB": 1e-3, "MB": 1.0, "GB": 1e3}[unit]


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def logged(command: list[str], log: Path) -> None:
    """Runs a command whose words go to a file. Raises CannotError with the last of them."""
    print(f"{shlex.join(command)[:160]}\n    log: {log}", flush=True)
    with log.open("wb") as words:
        ended = subprocess.run(command, stdout=words, stderr=subprocess.STDOUT, cwd=ROOT, check=False)
    if ended.returncode != 0:
        last = log.read_text("utf-8", "replace").splitlines()[-15:]
        raise CannotError("\n".join([f"{command[0]} ended with {ended.returncode}:", *last]))
