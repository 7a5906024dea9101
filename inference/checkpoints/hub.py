"""One file from the Hugging Face hub, whatever happens to the connection.

What huggingface_hub raises, by its source (2.4): errors of httpx2, which are no OSErrors, where a connection breaks;
HfHubHTTPError with the answer for every refusal; LocalEntryNotFoundError, although an EntryNotFoundError, where the hub
could not be asked. It throws away what had come of a file when it gives up, so large files are kept by us until whole.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from huggingface_hub.file_download import HfFileMetadata, http_get
from huggingface_hub.utils._headers import build_hf_headers

from inference.checkpoints.parts import part_of
from inference.checkpoints.released import ReleasedFile
from inference.queue.backoff import pause_after

Answer = TypeVar("Answer")

TRIES = 6  # in a row that bring nothing
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between them
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_CLOSED = frozenset({401, 403})
_MISTAKES = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.TooManyRedirects)
_SHA256 = re.compile("[0-9a-f]{64}")


class NotFetched(OSError):
    """The hub did not give a file; the message says which and why, on one line."""


class Absent(NotFetched):
    """The hub says that there is no such file."""


def bring(file: ReleasedFile, folder: Path, endpoint: str | None) -> Path:
    """Where a file lies in a weights folder, fetched if it is not there. Raises NotFetched; what has come until then
    stays, and the next call goes on from there."""
    place = folder / file.folder
    target = place / file.path
    if not target.exists():
        stated = insist(file, lambda: _stated(file, endpoint))
        if stated.etag is not None and _SHA256.fullmatch(stated.etag):  # small files are named otherwise
            _stream(file, stated, target, endpoint)
    return Path(
        insist(
            file,
            lambda: hf_hub_download(file.repo, file.path, revision=file.revision, local_dir=place, endpoint=endpoint),
        )
    )  # compares the checksum of a file that it did not fetch itself, and notes it


def insist(file: ReleasedFile, call: Callable[[], Answer], *, come: Callable[[], int] = lambda: 0) -> Answer:
    """What `call` returns, tried again while the network or the hub fails in a way that passes.

    `come` is how many bytes there are by now: only tries without new ones are counted. Raises Absent and NotFetched.
    """
    failures = 0
    while True:
        before = come()
        try:
            return call()
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            failures = 1 if come() > before else failures + 1
            if _status(error) == 404:
                raise Absent(f"{file.repo}/{file.path} is not at the hub: {_words(error)}") from error
            if failures == TRIES or not _passes(error):
                told = f"{_words(error)}{_to_be_let_in(file) if _status(error) in _CLOSED else ''}"
                raise NotFetched(f"{file.repo}/{file.path} could not be fetched: {told}") from error
        time.sleep(pause_after(failures, first=FIRST_PAUSE, longest=LONGEST_PAUSE))


def _stated(file: ReleasedFile, endpoint: str | None) -> HfFileMetadata:
    return get_hf_file_metadata(_url(file, endpoint), endpoint=endpoint, retry_on_errors=True)


def _url(file: ReleasedFile, endpoint: str | None) -> str:
    return hf_hub_url(file.repo, file.path, revision=file.revision, endpoint=endpoint)


def _stream(file: ReleasedFile, stated: HfFileMetadata, target: Path, endpoint: str | None) -> None:
    """Has a large file come, on from what an earlier try has left beside its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(target, stated.etag or "")

    def come() -> int:
        return part.stat().st_size if part.exists() else 0

    def go_on() -> None:
        if stated.size is not None and come() > stated.size:
            part.unlink()
        with part.open("ab") as sink:
            http_get(
                _url(file, endpoint),
                sink,
                resume_size=come(),
                headers=build_hf_headers(),
                expected_size=stated.size,
                displayed_filename=file.path,
            )

    insist(file, go_on, come=come)
    part.replace(target)


def _status(error: Exception) -> int | None:
    """With which status the hub refused, None where it did not."""
    refusal = _root(error)
    return refusal.response.status_code if isinstance(refusal, HfHubHTTPError) else None


def _passes(error: Exception) -> bool:
    if isinstance(error, LocalEntryNotFoundError):
        return False  # huggingface_hub has tried for half a minute
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _PASSING
    if isinstance(error, httpx2.RequestError):
        return not isinstance(error, _MISTAKES)
    return type(error) is OSError and error.errno is None  # how huggingface_hub calls a file of another length


def _to_be_let_in(file: ReleasedFile) -> str:
    """What helps where a repository is only for those who have agreed to its terms."""
    return f"; agree to the terms at https://huggingface.co/{file.repo}, then `hf auth login`, or set HF_TOKEN"


def _words(error: Exception) -> str:
    """Why there is no file, on one line."""
    root = _root(error)
    reason = next((line for line in str(root).splitlines() if line.strip()), type(root).__name__)
    if isinstance(root, httpx2.RequestError) or _status(error) in _PASSING:
        return f"{reason}; check your connection and start again, what has come is kept"
    return reason


def _root(error: Exception) -> BaseException:
    return error.__cause__ or error if isinstance(error, LocalEntryNotFoundError) else error
