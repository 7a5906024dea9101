from __future__ import annotations

from pathlib import Path

import pytest

from bot.texts import catalogue_check
from bot.texts.catalogue_check import problems, update
from bot.texts.i18n import Catalogues, _, ngettext, speaking

PLURALS = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);"
CODE = """
_("Hello, {name}")
ngettext("{n} picture", "{n} pictures", n)
"""
RUSSIAN = """
msgid "Hello, {name}"
msgstr "Привет, {name}"

msgid "{n} picture"
msgid_plural "{n} pictures"
msgstr[0] "{n} картинка"
msgstr[1] "{n} картинки"
msgstr[2] "{n} картинок"
"""


class Workshop:
    def __init__(self, folder: Path) -> None:
        self.package, self.locales = folder / "package", folder / "locales"
        self.package.mkdir()
        (self.locales / "ru" / "LC_MESSAGES").mkdir(parents=True)
        self.write(CODE, RUSSIAN)

    def write(self, code: str, russian: str) -> None:
        (self.package / "code.py").write_text(code, "utf-8")
        head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        head += f'"Language: ru\\n"\n"Plural-Forms: {PLURALS}\\n"\n'
        self.po.write_text(head + russian, "utf-8")

    @property
    def po(self) -> Path:
        return self.locales / "ru" / "LC_MESSAGES" / "bot.po"

    def problems(self) -> list[str]:
        return problems(self.package, self.locales)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_the_texts_of_the_bot_are_complete() -> None:
    assert problems() == []


def test_complete_catalogues_have_no_problems(workshop: Workshop) -> None:
    assert workshop.problems() == []


@pytest.mark.parametrize(
    ("code", "russian", "complaint"),
    [
        (CODE + '_("New")', RUSSIAN, "missing"),
        (CODE, RUSSIAN.replace("{n} картинок", ""), "missing"),
        (CODE, RUSSIAN + '\nmsgid "Old"\nmsgstr "Старое"\n', "unused"),
        (CODE, RUSSIAN.replace('msgid "Hello', '#, fuzzy\nmsgid "Hello'), "fuzzy"),
        (CODE, RUSSIAN.replace("Привет, {name}", "Привет, {who}"), "placeholders"),
        (CODE, RUSSIAN.replace("Привет, {name}", "Привет"), "placeholders"),
        (CODE, RUSSIAN.replace("{n} картинки", "{m} картинки"), "placeholders"),
        (CODE, RUSSIAN.replace("Привет, {name}", "Привет, {name} {"), "brace"),
        (CODE, RUSSIAN.replace("Привет, {name}", "<b>Привет</b>, {name}"), "tags"),
        (CODE + '_("<b>Hi</b>")', RUSSIAN + '\nmsgid "<b>Hi</b>"\nmsgstr "</b>Эй<b>"\n', "closes nothing"),
        (CODE + '_(f"Dear {name}")', RUSSIAN, "plain text"),
    ],
)
def test_each_kind_of_problem_is_found(workshop: Workshop, code: str, russian: str, complaint: str) -> None:
    workshop.write(code, russian)
    found = workshop.problems()
    assert len(found) == 1
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ('_("Hello, {name")', "lone brace"),
        ('_("<b>Hello")', "stays open"),
        ('_("<b>Hello</i>")', "closes nothing"),
        ('_("Привет")', "not English"),
        ('ngettext("{n} picture of {name}", "{n} pictures", n)', "lacks"),
        ('ngettext("<b>one</b>", "{n}", n)', "other tags in the plural"),
    ],
)
def test_english_is_held_to_itself(workshop: Workshop, said: str, complaint: str) -> None:
    workshop.write(CODE + said, RUSSIAN)
    found = [line for line in workshop.problems() if line.startswith("en:")]
    assert len(found) == 1
    assert complaint in found[0]
    assert "code.py:" in found[0]


def test_an_update_adds_and_removes_texts_and_keeps_translations(workshop: Workshop) -> None:
    workshop.write(CODE + '_("New")', RUSSIAN + '\nmsgid "Old"\nmsgstr "Старое"\n')
    update(workshop.package, workshop.locales)
    text = workshop.po.read_text("utf-8")
    assert "Привет" in text
    assert "Старое" not in text
    assert [line for line in workshop.problems() if "missing" in line] == workshop.problems() != []


def test_the_check_ends_with_a_status_for_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["i18n", "check"])
    monkeypatch.setattr(catalogue_check, "problems", lambda: ["ru: missing: 'x'"])
    with pytest.raises(SystemExit) as ended:
        catalogue_check.main()
    assert ended.value.code == 1
    assert "missing" in capsys.readouterr().out


def test_plural_forms_follow_the_number(workshop: Workshop) -> None:
    texts = Catalogues(path=workshop.locales, domain="bot")
    forms = [texts.gettext("{n} picture", "{n} pictures", n, locale="ru").format(n=n) for n in (1, 2, 5, 21)]
    assert forms == ["1 картинка", "2 картинки", "5 картинок", "21 картинка"]


@pytest.mark.parametrize(("n", "said"), [(0, "0 pictures"), (1, "1 picture"), (2, "2 pictures"), (21, "21 pictures")])
def test_english_needs_no_catalogue_to_count(n: int, said: str) -> None:
    with speaking("en"):
        assert ngettext("{n} picture", "{n} pictures", n).format(n=n) == said


def test_languages_can_be_nested() -> None:
    with speaking("ru"):
        russian = _("This studio is private, sorry.")
        with speaking("en"):
            assert _("This studio is private, sorry.") == "This studio is private, sorry."
        assert _("This studio is private, sorry.") == russian != "This studio is private, sorry."
        assert ngettext("no such {n}", "no such {n}s", 2) == "no such {n}s"
