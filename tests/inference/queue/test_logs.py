from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.storms import CalmHandler
from inference.queue.logs import Form, about, log_to, of_job

ROOT = Path(__file__).parents[3]
TOKEN = "123456789:" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345678"
log = logging.getLogger("somewhere")


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest) -> Form:
    return "json" if request.param == "json" else "text"


@pytest.fixture
def root_as_before() -> Iterator[None]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, sys.excepthook = handlers, hook
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def stream(root_as_before: None) -> io.StringIO:
    return io.StringIO()


def begin(stream: io.StringIO, form: Form) -> None:
    log_to(logging.StreamHandler(stream), "worker", "DEBUG", form)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_json_says_when_who_and_what_and_only_what_there_is(stream: io.StringIO) -> None:
    begin(stream, "json")
    log.warning("лиса %d", 7)
    (line,) = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "WARNING", "process": "worker", "logger": "somewhere", "message": "лиса 7"}
    assert "лиса" in stream.getvalue(), "letters stay readable"


def test_whatever_is_said_while_a_job_is_in_hand_carries_its_id(stream: io.StringIO, form: Form) -> None:
    begin(stream, form)
    log.info("before")
    with about(17):
        log.info("within")
        with about(17, 18):
            log.info("a shared pass")
        log.info("within again")
    log.info("after")
    log.info("by the way", extra=of_job(19))
    log.info("of nobody knows which", extra=of_job(None))
    if form == "json":
        assert [line.get("jobs") for line in lines(stream)] == [None, [17], [17, 18], [17], None, [19], None]
    else:
        told = [line.partition("worker: ")[2] for line in stream.getvalue().splitlines()]
        assert told[:4] == ["before", "[job 17] within", "[jobs 17, 18] a shared pass", "[job 17] within again"]
        assert told[4:] == ["after", "[job 19] by the way", "of nobody knows which"]


async def test_tasks_that_begin_with_a_job_keep_it_and_others_never_get_it(stream: io.StringIO) -> None:
    begin(stream, "json")

    async def speak(word: str) -> None:
        await asyncio.sleep(0)
        log.info(word)

    with about(5):
        task = asyncio.create_task(speak("its own"))
    other = asyncio.create_task(speak("another"))
    await asyncio.gather(task, other)
    with about(6):
        thread = threading.Thread(target=log.info, args=("a thread",))
        thread.start()
        thread.join()
    assert {line["message"]: line.get("jobs") for line in lines(stream)} == {
        "its own": [5],
        "another": None,
        "a thread": None,
    }


def test_what_is_written_a_minute_later_is_still_about_its_job(stream: io.StringIO) -> None:
    handler = CalmHandler(stream)
    log_to(handler, "bot", "INFO", "json")
    for number in range(3):
        with about(number):
            log.error("again")
    with about(99):
        handler.close()
    assert [line["jobs"] for line in lines(stream)] == [[0], [2]]
    assert "times more" in lines(stream)[1]["message"]


def test_no_secret_is_shown_in_either_form_and_json_stays_json(stream: io.StringIO, form: Form) -> None:
    begin(stream, form)
    try:
        raise ConnectionError(f'redis://:gehe"im@cache https://api/x?token=geheim\\" password="ge heim" {TOKEN}')
    except ConnectionError as error:
        log.exception("cannot reach %s", error)
    log.error("in a name", extra={"jobs": ()}, stack_info=True)
    said = stream.getvalue()
    for secret in ("gehe", "heim", TOKEN.partition(":")[2]):
        assert secret not in said
    if form == "json":
        first, second = lines(stream)
        assert "Traceback" in first["error"] and "<password>" in first["message"]
        assert "Stack" in second["error"]


def test_an_uncaught_error_ends_as_one_object(tmp_path: Path) -> None:
    code = (
        "from inference.queue.logs import log_as, about\n"
        "log_as('engine', 'info', 'json')\n"
        "import warnings; warnings.warn('careful')\n"
        f"raise RuntimeError('{TOKEN}')\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=60)
    warned, stopped = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == 1
    assert "careful" in warned["message"]
    assert (stopped["level"], stopped["process"]) == ("CRITICAL", "engine")
    assert "RuntimeError" in stopped["error"] and TOKEN.partition(":")[2] not in ended.stderr
