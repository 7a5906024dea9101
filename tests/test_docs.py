"""What the documents name is there: files, folders, programs and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = {"benchmarks", "bot", "docs", "inference", "migrations", "tests"}

_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"\.?[\w*-][\w./*-]*")
_PROGRAM = re.compile(r"python -m ([a-z_0-9]+(?:\.[a-z_0-9]+)*)")
_LINK = re.compile(r"\]\(([^()\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def paths(text: str) -> Iterator[str]:
    """What stands in backticks and means something in the repository: a place in a room of it, or a source file."""
    for said in _CODE.findall(_FENCED.sub("", text)):
        is_place = said.partition("/")[0] in ROOMS and "/" in said
        if _PATH.fullmatch(said) and (is_place or said.endswith((".py", ".md", ".toml", ".example"))):
            yield said


def programs(text: str) -> Iterator[str]:
    """Modules of ours that the reader is told to run."""
    return (name for name in _PROGRAM.findall(text) if name.partition(".")[0] in ROOMS)


def links(text: str) -> Iterator[str]:
    """Targets of links and pictures that lie in the repository."""
    for markdown, html in _LINK.findall(_FENCED.sub("", text)):
        target = markdown or html
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(document: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = _HEADING.findall(_FENCED.sub("", document.read_text("utf-8")))
    plain = (re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def is_there(path: str) -> bool:
    return any(ROOT.glob(path.rstrip("/")))


def can_be_run(module: str) -> bool:
    place = ROOT / module.replace(".", "/")
    return place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()


def resolves(document: Path, target: str) -> bool:
    file, _, anchor = target.partition("#")
    page = (document.parent / file).resolve() if file else document
    return page.exists() and page.is_relative_to(ROOT) and (not anchor or anchor in anchors(page))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_that_a_document_names_is_there(document: Path) -> None:
    text = document.read_text("utf-8")

    assert [path for path in paths(text) if not is_there(path)] == []
    assert [module for module in programs(text) if not can_be_run(module)] == []
    assert [target for target in links(text) if not resolves(document, target)] == []


def test_the_page_on_architecture_names_what_it_is_about() -> None:
    named = set(paths((ROOT / "docs/architecture.md").read_text("utf-8")))

    assert {"bot/app/__init__.py", "inference/requests", "inference/queue/ledger.py"} <= named
    assert len(named) > 50


def test_a_decision_fits_a_screen_and_says_why_what_and_at_which_price() -> None:
    records = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert len(records) >= 5
    for record in records:
        text = record.read_text("utf-8")
        assert len(text.splitlines()) <= 40, record.name
        assert re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "What it costs"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("see `bot/nowhere.py` and `bot/app/__init__.py`", ["bot/nowhere.py", "bot/app/__init__.py"]),
        ("a bare `nowhere.py`, `tests/bot/*.py`", ["nowhere.py", "tests/bot/*.py"]),
        ("`data/weights`, `ip_adapter/`, `--ar 16:9` and `Decoder`", []),
        ("```\nbot/nowhere.py\n```", []),
    ],
)
def test_what_counts_as_a_path(text: str, named: list[str]) -> None:
    assert list(paths(text)) == named


def test_a_missing_file_a_missing_heading_and_a_missing_program_are_noticed() -> None:
    page = ROOT / "docs/architecture.md"

    assert not is_there("bot/nowhere.py")
    assert not can_be_run("bot.nowhere")
    assert not resolves(page, "nowhere.md")
    assert not resolves(page, "architecture.md#nowhere")
    assert resolves(page, "architecture.md#every-process")
