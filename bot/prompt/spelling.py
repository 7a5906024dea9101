"""Which name somebody means who has written another: a slip of the finger, or the right keys in the wrong alphabet."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

LONGEST_NAME = 16  # of what may be meant as a name
_CLOSE, _CLOSE_IN_OTHER_LETTERS = 0.6, 0.7

_BY_SOUND = dict(zip("абвгдеёзийклмнопрстуфхыэ", "abvgdeeziyklmnoprstufhye", strict=True)) | {
    **{"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ю": "yu", "я": "ya"},
    **dict.fromkeys("ъь", ""),
}
_BY_LOOKS = dict(zip("авеёзикмнопрстухгьі", "abee3ukmhonpctyxrbi", strict=True))
_BY_KEY = dict(zip("йцукенгшщзфывапролдячсмитьё", "qwertyuiopasdfghjklzxcvbnm`", strict=True))


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The one of `known`, which are in lower case, that `name` comes nearest to; None where none is near."""
    name = name.lower()[:LONGEST_NAME]
    written = ["".join(letters.get(one, one) for one in name) for letters in (_BY_SOUND, _BY_LOOKS, _BY_KEY)]
    for spelling in (name, *written):
        if spelling in known:
            return spelling
    near = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE)
    for spelling in written:
        near = near or difflib.get_close_matches(spelling, known, n=1, cutoff=_CLOSE_IN_OTHER_LETTERS)
    return near[0] if near else None
