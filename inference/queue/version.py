"""Which version of the program this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def code_version() -> str:
    """The version of this program as it was installed."""
    try:
        return version("kandinsky-studio")
    except PackageNotFoundError:
        return "unknown"
