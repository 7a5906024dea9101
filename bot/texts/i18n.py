"""Texts in two languages: English stands in the code, its Russian in a `.po` file of `bot/texts/locales`, by gettext.

A message's id is its English text, which is what English speakers read: English has no catalogue. The `.po` file is
compiled in memory at start.

    from bot.texts.i18n import _, ngettext, speaking
    _("Drawing…")                                              in the language of the person whose update is handled
    ngettext("{n} picture", "{n} pictures", n).format(n=n)
    with speaking("ru"): ...                                   where no update is being handled

`python -m bot.texts.i18n check` fails on English texts that do not fit themselves and on missing, unused, fuzzy or
ill-fitting translations; `python -m bot.texts.i18n update` brings the `.po` file in line with the code (new texts
empty, unused ones gone).
"""

from __future__ import annotations

import gettext as gettext_files
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from aiogram.utils.i18n import I18n, ngettext
from aiogram.utils.i18n import gettext as _
from babel.messages import Catalog
from babel.messages.mofile import write_mo

from bot.texts.catalogue import DOMAIN, LOCALES, SOURCE, TRANSLATED, read_catalogue
from bot.texts.languages import Language

__all__ = ["N_", "Catalogues", "_", "catalogues", "ngettext", "speaking", "spoken"]


class Catalogues(I18n):
    """aiogram's I18n, reading `.po` instead of `.mo`: no compiled file can be stale or forgotten.

    Of a language without a catalogue it gives the source: the singular for 1, else the plural.
    """

    def find_locales(self) -> dict[str, gettext_files.GNUTranslations]:
        return {language: _compiled(read_catalogue(language, self.path)) for language in TRANSLATED}

    @contextmanager
    def context(self) -> Iterator[I18n]:
        """Makes these the texts that `_` reads. aiogram keeps the current one per class; `_` asks the base class."""
        token = I18n.set_current(self)
        try:
            yield self
        finally:
            I18n.reset_current(token)


@cache
def catalogues() -> Catalogues:
    """The texts of the bot, read once."""
    return Catalogues(path=LOCALES, default_locale=SOURCE, domain=DOMAIN)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """`_` and `ngettext` answer in this language inside the block."""
    texts = catalogues()
    with texts.context(), texts.use_locale(language):
        yield


def spoken() -> str:
    """The language being spoken."""
    return catalogues().current_locale


def N_(message: str) -> str:
    """Marks a text for the catalogues where it is written down and translated later."""
    return message


def _compiled(catalogue: Catalog) -> gettext_files.GNUTranslations:
    binary = io.BytesIO()
    write_mo(binary, catalogue)
    binary.seek(0)
    return gettext_files.GNUTranslations(binary)


if __name__ == "__main__":
    from bot.texts.catalogue_check import main

    main()
