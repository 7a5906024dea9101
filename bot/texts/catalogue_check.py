"""Holds English texts to themselves and translations to them: all is there, nothing else is, and every text fits."""

from __future__ import annotations

import ast
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from bot.texts.catalogue import LOCALES, TRANSLATED, po_path, read_catalogue
from bot.texts.languages import LANGUAGES

_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
_PACKAGE = Path(__file__).parent.parent
_TAG = re.compile(r"</?[a-z][^>]*>")
_FOREIGN = re.compile(r"[а-яё]", re.IGNORECASE)


def texts_in_code(package: Path = _PACKAGE) -> Catalog:
    """Every text that is marked for translation under a folder, with the places it is used in."""
    found = Catalog(fuzzy=False)
    for filename, line, message, comments, _context in extract_from_dir(
        package, method_map=[("**.py", "python")], keywords=_KEYWORDS, comment_tags=("Translators:",)
    ):
        found.add(message, locations=[(f"bot/{filename}", line)], auto_comments=comments)
    return found


def problems(package: Path = _PACKAGE, locales: Path = LOCALES) -> list[str]:
    """What is wrong with the texts, one line each; empty when all is well."""
    used = texts_in_code(package)
    found = list(_unextractable(package))
    for message in _texts(used):
        found.extend(f"en: {fault}: {_name(message)}  ({_place(message)})" for fault in _faults(message))
    for language in TRANSLATED:
        catalogue = read_catalogue(language, locales)
        where = f"{language}:"
        for message in _texts(used):
            translation = catalogue.get(message.id)
            if translation is None or not _complete(translation):
                found.append(f"{where} missing: {_name(message)}  ({_place(message)})")
        for message in _texts(catalogue):
            if message.id not in used:
                found.append(f"{where} unused: {_name(message)}")
            if message.fuzzy:
                found.append(f"{where} fuzzy: {_name(message)}")
            if _complete(message):
                found.extend(f"{where} {fault}: {_name(message)}" for fault in _misfits(message))
    return found


def update(package: Path = _PACKAGE, locales: Path = LOCALES) -> None:
    """Rewrites the catalogues to hold exactly the texts in the code; known translations stay, new ones are empty."""
    used = texts_in_code(package)
    for language in TRANSLATED:
        catalogue = read_catalogue(language, locales)
        catalogue.update(used, no_fuzzy_matching=True, update_header_comment=False)
        catalogue.obsolete.clear()
        with po_path(language, locales).open("wb") as file:
            write_po(file, catalogue, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)


def main() -> None:
    """`check` (the default) or `update`."""
    match sys.argv[1:]:
        case [] | ["check"]:
            found = problems()
            print("\n".join(found) if found else "every text is there, in " + " and ".join(LANGUAGES))
            raise SystemExit(1 if found else 0)
        case ["update"]:
            update()
        case _:
            print("usage: python -m bot.texts.i18n [check|update]", file=sys.stderr)
            raise SystemExit(2)


def _texts(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def _forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _complete(message: Message) -> bool:
    return all(_forms(message.string))


def _faults(message: Message) -> Iterator[str]:
    """English that would fail in `format` or in Telegram, and plurals that do not say what their singular says."""
    forms = _forms(message.id)
    for form in forms:
        yield from _broken(form)
        if _FOREIGN.search(form):
            yield "not English"
    if all(map(_fits_format, forms)) and _placeholders(forms[0]) - _placeholders(forms[-1]):
        yield "placeholders of the singular that the plural lacks"
    if sorted(_TAG.findall(forms[0])) != sorted(_TAG.findall(forms[-1])):
        yield "other tags in the plural"


def _misfits(message: Message) -> Iterator[str]:
    """Translations that would fail in `format` or in Telegram, or that open another tag than the original."""
    if not all(map(_fits_format, _forms(message.id))):
        return  # told of the original
    wanted = {name for form in _forms(message.id) for name in _placeholders(form)}
    tags = sorted(_TAG.findall(_forms(message.id)[-1]))
    for form in _forms(message.string):
        yield from _broken(form)
        if not _fits_format(form):
            continue
        given = _placeholders(form)
        if given - wanted or (not message.pluralizable and wanted - given):
            yield f"placeholders {sorted(given)} instead of {sorted(wanted)}"
        if sorted(_TAG.findall(form)) != tags:
            yield "other tags than the original"


def _broken(form: str) -> Iterator[str]:
    if not _fits_format(form):
        yield "lone brace"
    open_tags: list[str] = []
    for tag in _TAG.findall(form):
        if not tag.startswith("</"):
            open_tags.append(tag[1:-1].split()[0])
        elif not open_tags or open_tags.pop() != tag[2:-1]:
            yield f"{tag} closes nothing"
            return
    if open_tags:
        yield f"<{open_tags[-1]}> stays open"


def _fits_format(form: str) -> bool:
    try:
        _placeholders(form)
    except ValueError:
        return False
    return True


def _placeholders(text: str) -> set[str]:
    return {name for _literal, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def _unextractable(package: Path) -> Iterator[str]:
    """Calls whose text the extractor cannot see, because it is put together on the spot."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _is_marked(node):
                for argument in node.args[:2]:
                    if isinstance(argument, ast.JoinedStr | ast.BinOp):
                        yield f"{path.relative_to(package.parent)}:{node.lineno}: use a plain text and .format()"
            if isinstance(node, ast.JoinedStr) and any(_is_marked(part) for part in ast.walk(node)):
                yield f"{path.relative_to(package.parent)}:{node.lineno}: the extractor does not look into f-strings"


def _is_marked(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KEYWORDS


def _name(message: Message) -> str:
    return repr(_forms(message.id)[0])


def _place(message: Message) -> str:
    return ", ".join(f"{name}:{line}" for name, line in message.locations[:3])
