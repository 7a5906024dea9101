"""What the log of any of our processes must not show: bot tokens, and passwords in addresses and in other strings that
tell how to connect."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"(?<!\d)\d{3,20}(?::|%3A)[A-Za-z0-9_-]{30,64}", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_USER = re.compile(r"://[^:/@]*:")
_IN_QUERY = re.compile(
    r"([?&][^=&\s]{0,40}(?:password|passwd|secret|token|key)[^=&\s]{0,40}=)[^&\s'\"]+", re.IGNORECASE
)
_KEYED = re.compile(  # "host=db password='two words'", as libpq takes it, and the options of drivers
    r"(?<![A-Za-z0-9_?&])([A-Za-z0-9_]{0,40}(?:password|passwd|secret|api_key)[A-Za-z0-9_]{0,40} ?= ?)"
    r"(?:'[^'\n]{0,500}'|\"[^\"\n]{0,500}\"|[^\s&'\",;<]+)",
    re.IGNORECASE,
)
_KEY_FOR_USER = re.compile(r"://[A-Za-z0-9_%+.~-]{16,200}(?=@)")  # an address whose key stands alone before the host


def redact(text: str) -> str:
    """The text without bot tokens and without passwords: in an address before the host or in a query, in a string of
    keys and values, and keys that stand where a user would."""
    text = _TOKEN.sub("<token>", text)
    text = _IN_QUERY.sub(r"\1<password>", text)
    text = _KEYED.sub(r"\1<password>", text)
    return _WORD.sub(_without_password, _KEY_FOR_USER.sub("://<password>", text)) if "://" in text else text


def _without_password(word: re.Match[str]) -> str:
    """People write passwords into addresses as they are, slashes and more @ among them: up to the last @ it is one."""
    address = word[0]
    end = address.rfind("@")
    user = _USER.search(address, 0, end) if end > 0 else None
    return address if user is None else f"{address[: user.end()]}<password>{address[end:]}"
