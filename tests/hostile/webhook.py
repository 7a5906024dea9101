"""The webhook's door hammered: wrong secrets, bytes, methods, sizes, bodies that do not end, the same update again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bot.telegram.webhook import SECRET_HEADER
from tests.hostile.house import opened
from tests.hostile.report import Table
from tests.hostile.sink import Sink
from tests.ports import free_port
from tests.waiting import until, within

LONG, SHORT = 20_000, 400
LORISES = 100
SECRET = "a_secret_of_good_length"
ANSWER_SECONDS = 30.0


def attack(*, long: bool, seed: int, count: int | None = None) -> Table:
    """The table of what was thrown at the door and what it answered."""
    return asyncio.run(_attack(count or (LONG if long else SHORT), seed))


async def _attack(count: int, seed: int) -> Table:
    chance, sink, port = random.Random(seed), Sink(), free_port()
    answers: dict[str, Counter[str]] = {}
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        server = await sink.start()
        url = str(server.make_url("")).rstrip("/")
        hook = {"webhook_url": f"http://127.0.0.1:{port}/telegram", "webhook_port": port, "webhook_secret": SECRET}
        async with opened(Path(folder), url, **hook) as house:
            await until(lambda: sink.calls["setWebhook"])
            lorises = [await _loris(port, chance) for _ in range(LORISES)]
            assaults = list(_assaults(chance, count))
            for start in range(0, count, 50):
                batch = assaults[start : start + 50]
                good = 10_000_000 + start
                posts = [_send(port, sent) for _name, sent, _allowed in batch]
                repeated = [_send(port, _good(good)) for _ in range(5)]
                said = await asyncio.gather(*posts, *repeated)
                for (name, _sent, allowed), answer in zip(batch, said, strict=False):
                    answers.setdefault(name, Counter())[answer] += 1
                    if answer not in allowed:
                        faults.append(f"{name} was answered {answer}, not {' or '.join(allowed)}")
                answers.setdefault("a good update five times", Counter()).update(said[len(batch) :])
                await within(ANSWER_SECONDS, lambda good=good: sink.answers[f"chat {good}"])
            good_ones = {good: sink.answers[f"chat {good}"] for good in range(10_000_000, 10_000_000 + count, 50)}
            faults += [f"good update {good}: {times} answers" for good, times in good_ones.items() if times != 1]
            for writer in lorises:
                writer.close()
            faults += house.complaints.faults
        await server.close()
    rows = [(name, counted.total(), _told(counted)) for name, counted in sorted(answers.items())]
    return Table(f"The webhook hammered, seed {seed}", ("what", "count", "answers"), rows, tuple(faults[:40]))


def _assaults(chance: random.Random, count: int) -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """Names, bytes on the wire, and the answers that are right; "closed" is one to what is no HTTP."""
    right = f"{SECRET_HEADER}: {SECRET}\r\n".encode()
    typed = right + b"Content-Type: application/json\r\n"
    bomb = zlib.compress(b"[" * 20_000_000)
    for _ in range(count):
        noise = chance.randbytes(chance.randrange(1, 60)).replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
        wrong = chance.choice((b"", noise, SECRET[:-1].encode(), b"\xd0\xbf\xd0\xb0", SECRET.upper().encode()))
        secret = SECRET_HEADER.encode() + b": " + wrong + b"\r\nContent-Type: application/json\r\n"
        junk = chance.choice((b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"update_id": []}', noise))
        deep = b'{"update_id": 5, "message": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
        half = (
            b"POST /telegram HTTP/1.1\r\nHost: x\r\n" + typed + b"Content-Length: 100\r\n\r\n{"
        )  # longer than any noise
        yield chance.choice(
            (
                ("a wrong secret", _post(b"{}", secret), ("401", "400")),
                ("no secret", _post(b"{}", b"Content-Type: application/json\r\n"), ("401",)),
                ("a secret and no update", _post(junk, typed), ("400",)),
                ("an update nested too deep", _post(deep, typed), ("200",)),
                ("an update that is no number's", _post(b'{"update_id": NaN}', typed), ("400",)),
                ("a kind of update from the future", _post(b'{"update_id": 6, "dream": {}}', typed), ("200",)),
                ("half a megabyte", _post(b" " * 500_000, typed), ("413", "closed")),
                ("a wrong type", _post(b"{}", right + b"Content-Type: " + noise.hex().encode() + b"\r\n"), ("415",)),
                ("a compressed bomb", _post(bomb, typed + b"Content-Encoding: deflate\r\n"), ("415",)),
                ("another method", _post(b"{}", typed, chance.choice((b"GET", b"PUT", b"DELETE", b"PATCH"))), ("405",)),
                ("another page", _post(b"{}", typed, path=b"/" + noise.hex().encode()), ("404",)),
                ("noise", noise + b"\r\n\r\n", ("400", "closed")),
                ("a length that is none", _raw(b"Content-Length: -5\r\n" + typed), ("400", "closed")),
                ("two lengths", _raw(b"Content-Length: 5\r\nContent-Length: 6\r\n" + typed), ("400", "closed")),
                ("a chunk that is none", _raw(b"Transfer-Encoding: chunked\r\n" + typed, b"zz\r\n"), ("400", "closed")),
                ("a header without end", _raw(b"X: " + b"a" * 100_000 + b"\r\n" + typed), ("400", "closed")),
                ("a body cut off", half, ("400", "408", "closed")),
            )
        )


def _post(body: bytes, headers: bytes, method: bytes = b"POST", path: bytes = b"/telegram") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n" + length + headers + b"Connection: close\r\n\r\n" + body


def _raw(headers: bytes, body: bytes = b"") -> bytes:
    return b"POST /telegram HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n" + body


def _good(person: int) -> bytes:
    who = {"id": person, "is_bot": False, "first_name": "x"}
    said = {"message_id": 1, "date": 0, "chat": {"id": person, "type": "private"}, "from": who, "text": "/help"}
    body = json.dumps({"update_id": person, "message": said}).encode()
    return _post(body, f"{SECRET_HEADER}: {SECRET}\r\nContent-Type: application/json\r\n".encode())


async def _send(port: int, sent: bytes) -> str:
    """The status of the answer; "closed" where the connection ends without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        if b"Content-Length: 100\r\n" in sent:
            writer.write_eof()
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await reader.readline()
        return line.split()[1].decode() if line.startswith(b"HTTP/") else "closed"
    except ConnectionError:
        return "closed"
    except TimeoutError:
        return "nothing"
    finally:
        writer.close()


async def _loris(port: int, chance: random.Random) -> asyncio.StreamWriter:
    """A connection that says half of something and then no more."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_good(1)[: chance.randrange(1, 150)])
    return writer


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{answer} × {times}" for answer, times in counted.most_common())
