"""Addresses in plain text: where one begins and ends, and whether it is one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files

Span = tuple[int, int]
Fits = Callable[[str], bool]

BAD_ENDS = ".:;,('?!`"
NO_PATH = frozenset('\n<>"\u00ab\u00bb')
NO_USER = NO_PATH | frozenset("/[]{}()'`@")
JOINERS = frozenset("\u200c\u200d\u2010\u2011\u2012\u2013\u2014\u2015")
# Of a short tonsite:// the server marks what begins three letters before the colon.
CLIENT_SCHEME = re.compile(r"(?:tg|ton|(?<=tons)ite)$", re.IGNORECASE | re.ASCII)
CLIENT_HOST = re.compile(r"://[A-Za-z0-9_-]{1,253}")
PORT = re.compile(r":0*([1-9]\d{0,4})(?!\d)", re.ASCII)
PROTOCOLS = re.compile(r"(?:(?<!^s)http|https|(?<!^t)(?<!^s)ftp|tonsite)$")
SCHEME = re.compile(r"(?:https?|ftp|tonsite)://", re.IGNORECASE | re.ASCII)
EMAIL = re.compile(
    r"(?:[a-z0-9_-]{0,26}[.+]){0,10}[a-z0-9_-]{1,35}@"
    r"(?:[a-z0-9](?:[a-z0-9_-]{0,28}[a-z0-9])?\.){1,6}[a-z]{2,8}",
    re.IGNORECASE | re.ASCII,
)
BYTE = re.compile(r"(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])", re.ASCII)
CLOSING = {")": "(", "]": "[", "}": "{"}


@cache
def top_level_domains() -> frozenset[str]:
    """What an address without a scheme may end in."""
    return frozenset(files("bot.playground").joinpath("schema/domains.txt").read_text("utf-8").split())


def _is_symbol(char: str) -> bool:
    if "\u2000" <= char <= "\u206f":
        return char in JOINERS
    return unicodedata.category(char)[0] != "Z"


def _is_path(char: str) -> bool:
    return char not in NO_PATH and _is_symbol(char)


def _is_user(char: str) -> bool:
    return char not in NO_USER and _is_symbol(char)


def _is_domain(char: str) -> bool:
    if char < "\u00c0":
        return char.isascii() and (char.isalnum() or char in "._-~")
    return _is_symbol(char)


def _is_protocol(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in "+-"
    return unicodedata.category(char)[0] != "Z"


def _back(text: str, at: int, low: int, fits: Fits) -> int:
    while at > low and fits(text[at - 1]):
        at -= 1
    return at


def _forth(text: str, at: int, fits: Fits) -> int:
    while at < len(text) and fits(text[at]):
        at += 1
    return at


def find_client_urls(text: str) -> Iterator[Span]:
    """tg://…, ton://… and tonsite://…"""
    at = 0
    while len(text[at : at + 6].encode()) > 5 and (colon := text.find(":", at)) >= 0:
        at = colon + 1
        host, scheme = CLIENT_HOST.match(text, colon), CLIENT_SCHEME.search(text[:colon][-7:])
        if host and scheme:
            at = _path_end(text, host.end())
            yield colon - len(scheme[0]), at


def _path_end(text: str, at: int) -> int:
    """Where path, query or fragment end that may begin at `at`."""
    if text[at : at + 1] not in ("/", "?", "#") or at >= len(text):
        return at
    stop = _forth(text, at + 1, _is_path)
    while stop > at + 1 and text[stop - 1] in BAD_ENDS:
        stop -= 1
    return stop if text[at] == "/" or stop > at + 1 else at


def find_urls(text: str) -> Iterator[tuple[str, Span]]:
    """Links and addresses of mail, with their type."""
    for start, stop in _candidates(text):
        words = text[start:stop]
        if EMAIL.fullmatch(words):
            yield "email", (start, stop)
        elif words.startswith("mailto:") and EMAIL.fullmatch(words[7:]):
            yield "email", (start + 7, stop)
        elif length := _length(words):
            yield "url", (start, start + length)


def _candidates(text: str) -> Iterator[Span]:
    """Whatever has a dot in the middle and looks like an address around it."""
    low = 0
    while 0 <= (dot := text.find(".", low)) < len(text) - 1:
        if text[dot + 1] == " ":
            low = dot + 2
            continue
        start, stop, is_bad = _around(text, dot, low)
        if is_bad:
            stop = text.rfind(".", low, stop) + 1
        else:
            if stop > dot + 1:
                yield start, stop
            while text[stop : stop + 1] == ".":
                stop += 1
        low = max(stop, dot + 1)


def _around(text: str, dot: int, low: int) -> tuple[int, int, bool]:
    """From where to where the address around a dot reaches, and whether it is none for sure."""
    start, stop, last_at = _back(text, dot, low, _is_domain), dot, -1
    while stop < len(text) and (text[stop] == "@" or _is_domain(text[stop])):
        last_at = stop if text[stop] == "@" else last_at
        stop += 1
    if last_at >= 0:
        start = _back(text, start, low, _is_user)
    port = PORT.match(text, stop)
    stop = port.end() if port and int(port[1]) <= 65535 else stop
    stop = _path_end(text, stop)
    while stop > dot + 1 and text[stop - 1] == ".":
        stop -= 1
    is_bad = False
    if start > low and text[start - 1] == "@":
        user = _back(text, start - 1, low, _is_user)
        is_bad = last_at >= 0 or user == start - 1
        start = user
    if start == low:
        return start, stop, is_bad
    if len(text[low:start].encode()) >= 6 and text.startswith("://", start - 3):
        protocol = text[_back(text, start - 3, low, _is_protocol) : start - 3].lower()
        known = PROTOCOLS.search(protocol)
        return (start - 3 - len(known[0]), stop, is_bad) if known else (start, stop, True)
    before = text[start - 1]
    return start, stop, is_bad or before.isalnum() or before in "_/#@"


def _length(words: str) -> int:
    """How much of a candidate is an address; 0 if nothing is."""
    scheme = SCHEME.match(words)
    rest = words[scheme.end() :] if scheme else words
    domain = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path = rest[len(domain) :]
    host = domain.partition("@")[2] if "@" in domain else domain
    host = host.rpartition(":")[0] if ":" in host else host
    if host.lower() == "teiegram.org" or not _is_host(host, has_scheme=scheme is not None):
        return 0
    return len(words) - len(path) + _balanced(path)


def _balanced(path: str) -> int:
    """How much of a path lies before a bracket that nothing opened, without the marks of a sentence at its end."""
    depth = dict.fromkeys(CLOSING.values(), 0)
    end = len(path)
    for index, char in enumerate(path):
        if char in depth:
            depth[char] += 1
        elif char in CLOSING:
            depth[CLOSING[char]] -= 1
            if depth[CLOSING[char]] < 0:
                end = index
                break
    return len(path[:end].rstrip(BAD_ENDS))


def _is_host(host: str, has_scheme: bool) -> bool:
    parts = host.split(".")
    if len(parts) == 1 or any(not 0 < len(it.encode()) < 64 or it.endswith("-") for it in parts):
        return False
    if len(parts) == 4 and all(BYTE.fullmatch(it) for it in parts):
        return True
    last = parts[-1]
    if re.fullmatch(r"[0-9.]*", host) or len(last) <= 1 or "_" in parts[-2]:
        return False
    if last.startswith("xn--"):
        return bool(re.fullmatch(r"xn--[A-Za-z0-9]{2,}", last))
    return not set(last) & {"_", "-"} and (has_scheme or _is_common(last))


def _is_common(last: str) -> bool:
    """`ru`, `RU` and `rU`, but not `Ru`: that is the beginning of a sentence behind a dot."""
    lower = last.lower()
    return lower in top_level_domains() and (lower == last or lower[1:] != last[1:])
