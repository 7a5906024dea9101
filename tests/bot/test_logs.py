from __future__ import annotations

import logging
import subprocess
import sys
import time
import timeit

import pytest

from inference.queue.logs import TextLines
from inference.queue.redaction import redact

TOKEN = "123456789:" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345678"
SECRET = TOKEN.partition(":")[2]


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"https://api.telegram.org/bot{TOKEN}/sendMessage",
        f"https://api.telegram.org/file/bot{TOKEN}/photos/file_1.jpg",
        f"bot{TOKEN.replace(':', '%3A')}/getMe",
        f"Cannot connect to host x: URL('http://127.0.0.1:8081/bot{TOKEN}/getMe')",
    ],
)
def test_a_token_is_redacted_wherever_it_stands(text: str) -> None:
    assert SECRET not in redact(text)
    assert "<token>" in redact(text)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql+asyncpg://studio:geheim@db:5432/studio", "postgresql+asyncpg://studio:<password>@db:5432/studio"),
        ("postgresql://studio:ge/heim@db/studio", "postgresql://studio:<password>@db/studio"),
        ("postgresql://studio:ge@he@im/@db/studio", "postgresql://studio:<password>@db/studio"),
        ("redis://:geheim@cache:6379/0", "redis://:<password>@cache:6379/0"),
        ("s3://key:8080/geheim@bucket", "s3://key:<password>@bucket"),
        (
            "postgresql://db/studio?user=a&password=geheim&ssl=on",
            "postgresql://db/studio?user=a&password=<password>&ssl=on",
        ),
        ("https://store/x?aws_secret_access_key=geheim", "https://store/x?aws_secret_access_key=<password>"),
        ("rediss://:ge@heim@cache:6380", "rediss://:<password>@cache:6380"),
        ("unix://:geheim@/run/redis.sock", "unix://:<password>@/run/redis.sock"),
        ("host=db user=studio password=geheim sslmode=on", "host=db user=studio password=<password> sslmode=on"),
        ("password='ge heim' host=db", "password=<password> host=db"),
        ('PASSWORD = "ge heim" host=db', "PASSWORD = <password> host=db"),
        ("client_kwargs={aws_secret_access_key=geheim}", "client_kwargs={aws_secret_access_key=<password>"),
        ("https://0123456789abcdef0123@sentry.example/7", "https://<password>@sentry.example/7"),
    ],
)
def test_a_password_in_an_address_is_redacted(address: str, shown: str) -> None:
    assert redact(f"no way to {address} today") == f"no way to {shown} today"


@pytest.mark.parametrize(
    "piece", ["://a:", "?key", "&key=", "1234:", "password", "password='", "secret_", "://abcdefghijklmnopqrst"]
)
def test_the_work_of_redacting_grows_with_the_length_and_not_with_its_square(piece: str) -> None:
    def seconds(times: int) -> float:
        return min(timeit.repeat(lambda: redact(piece * times), timer=time.process_time, number=3, repeat=5))

    assert seconds(20_000) < 100 * (seconds(1000) + 1e-5)


def test_ordinary_text_stays_as_it_is() -> None:
    text = "12:34:56 job 17 of chat -1001234567890 at http://127.0.0.1:8081/sim/file/abc, sha256 " + "a" * 64
    text += "; unknown_tokens=3, the password of somebody, https://studio@example.org"
    assert redact(text) == text


def test_arguments_and_tracebacks_are_redacted_too() -> None:
    try:
        raise ConnectionError(f"https://api.telegram.org/bot{TOKEN}/getMe")
    except ConnectionError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "call of %s", (TOKEN,), sys.exc_info())
    line = TextLines("bot").format(record)
    assert "Traceback" in line
    assert "ConnectionError" in line
    assert SECRET not in line


def test_an_uncaught_error_of_the_program_shows_no_token() -> None:
    code = f"from bot.logs import set_up_logging; set_up_logging('INFO'); raise RuntimeError('{TOKEN}')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert "RuntimeError" in ended.stderr
    # The traceback quotes the source line of a file; `-c` has none, so the message is the only place.
    assert SECRET not in ended.stderr
