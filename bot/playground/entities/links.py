"""Addresses behind words: which ones Telegram takes, how it writes them, and which are people, emoji or dates."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from bot.playground.entities.builder import lowered

MOST_USER_ID = 2**40 - 1
SCHEMES = ("tg", "ton", "tonsite")
HOST = re.compile(r"(?:[\w.!$,~*'();&+=-]|[^\x00-\x7f]|%[0-9a-fA-F]{2})*", re.ASCII)
USER_INFO = re.compile(r"(?:[\w.!$,~*'();&+=:-]|[^\x00-\x7f]|%[0-9a-fA-F]{2})*", re.ASCII)
PARTS = re.compile(r"(?P<who>[^/?#]*)(?P<rest>.*)", re.DOTALL)
FORMAT = re.compile(r"r|R|[wdDtT]*")
SPACES = " \t\r\n\x00\x0b"


class WrongLink(ValueError):
    """An address that leads nowhere; the message is Telegram's reason."""


def link_fields(url: str) -> tuple[str, dict[str, Any]] | None:
    """Type and fields of the entity for words with this address, None if it leads nowhere."""
    try:
        return checked_fields(url)
    except WrongLink:
        return None


def checked_fields(url: str) -> tuple[str, dict[str, Any]]:
    """A mention of a person by id, or a link. Raises WrongLink."""
    person = _parameters(lowered(url), "user").get("id", "")
    if re.fullmatch(r"[1-9]\d*", person) and int(person) <= MOST_USER_ID:
        return "text_mention", {"user": {"id": int(person), "is_bot": False, "first_name": f"User {person}"}}
    return "text_link", {"url": checked(url)}


def marked_fields(url: str) -> tuple[str, dict[str, Any]] | None:
    """Of `![words](url)`: a custom emoji or a date. None for any other address."""
    emoji = _parameters(url, "emoji").get("id", "")
    if is_emoji_id(emoji):
        return "custom_emoji", {"custom_emoji_id": emoji}
    about = _parameters(url, "time")
    return date_fields(about.get("unix", ""), about.get("format", ""))


def is_emoji_id(text: str) -> bool:
    return bool(re.fullmatch(r"-?[1-9]\d*", text)) and -(2**63) <= int(text) < 2**63


def date_fields(unix: str, form: str) -> tuple[str, dict[str, Any]] | None:
    """Type and fields of a date, None if the second or the form is none."""
    digits = re.match(r"-?\d+", unix)
    second = (int(digits[0]) + 2**31) % 2**32 - 2**31 if digits else 0
    if second <= 0 or not FORMAT.fullmatch(form):
        return None
    first = {kind: next((it for it in form if it.lower() == kind), "") for kind in "rwdt"}
    named = "r" if first["r"] else first["w"] + first["d"] + first["t"]
    return "date_time", {"unix_time": second} | ({"date_time_format": named} if named else {})


def _parameters(url: str, host: str) -> dict[str, str]:
    """Of `tg://host?a=b&c=d`, the first of each name; empty for other addresses."""
    found = re.fullmatch(rf"(?i:tg:(?://)?{host})/?\?([^#]*)(?:#.*)?", url, re.DOTALL | re.ASCII)
    pairs = [it.partition("=")[::2] for it in found[1].split("&")] if found else []
    return dict(reversed(pairs))


def checked(url: str) -> str:
    """The address as Telegram writes it, with a scheme and a path. Raises WrongLink."""
    own = next((it for it in SCHEMES if url.lower().startswith(f"{it}:")), None)
    if own is not None:
        url = url[len(own) + 1 :].removeprefix("//")
    scheme, who, path = _split(url, "http")
    user, _, host = who.rpartition("@")
    host, port = _host_and_port(host)
    _check(user, USER_INFO, "userinfo")
    if own is not None:
        return _own(own, url, scheme, user, host, port, path)
    if "." not in host and not host.startswith("["):
        raise WrongLink("Wrong HTTP URL")
    return f"{scheme}://{user}{'@' if user else ''}{host}{f':{port}' if port else ''}{path}"


def _own(own: str, url: str, scheme: str, user: str, host: str, port: int, path: str) -> str:
    """An address of a client itself, as tg://resolve."""
    if url.lower().startswith("http://") or scheme == "https" or user or port or host.startswith("["):
        raise WrongLink(f"Wrong {own} URL")
    if not re.fullmatch(r"[\w.-]+" if own == "tonsite" else r"[\w-]+", host, re.ASCII):
        raise WrongLink("Unallowed characters in URL host")
    return f"{own}://{host}{path.removeprefix('/') if path.startswith('/?') else path}"


def _split(url: str, scheme: str) -> tuple[str, str, str]:
    """Scheme, user and host with the port, path with the query."""
    named = re.match(r"([^:/?#@\[\]]*)://", url)
    if named:
        scheme, url = named[1].lower(), url[named.end() :]
        if scheme not in ("http", "https"):
            raise WrongLink("Unsupported URL protocol")
    found = PARTS.fullmatch(url)
    assert found is not None
    path = found["rest"].rstrip(SPACES) or "/"
    path = path if path.startswith("/") else f"/{path}"
    return scheme, found["who"], re.sub(r"[\x00-\x20]", lambda it: f"%{ord(it[0]):02X}", path)


def _check(part: str, allowed: re.Pattern[str], name: str) -> None:
    read = allowed.match(part)
    assert read is not None
    if read.end() < len(part):
        is_percent = part[read.end()] == "%"
        reason = "Wrong percent-encoded symbol in URL" if is_percent else "Disallowed character in URL"
        raise WrongLink(f"{reason} {name}")


def _host_and_port(who: str) -> tuple[str, int]:
    port = 0
    host, colon, digits = who.rpartition(":")
    if colon and host and "]" not in digits:
        if not re.fullmatch(r"\d+", digits) or not 0 < int(digits) <= 65535:
            raise WrongLink("Wrong port number specified in the URL")
        who, port = host, int(digits)
    if who.startswith("[") and who.endswith("]"):
        try:
            ipaddress.IPv6Address(who[1:-1])
        except ValueError as wrong:
            raise WrongLink("Wrong IPv6 address specified in the URL") from wrong
    else:
        _check(who, HOST, "host")
    if who in ("", "."):
        raise WrongLink("URL host is empty" if not who else "Host is invalid")
    return lowered(who), port
