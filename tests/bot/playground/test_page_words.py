from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).parents[3] / "bot/playground/static"
COMPOSED = re.compile(r"^(members_|record_|upload_|choose_|find_)")  # keys that the code puts together


def test_every_text_of_the_page_exists_in_both_languages_and_is_used() -> None:
    source = (STATIC / "words.js").read_text("utf-8")
    english, russian = re.split(r"\n  ru: \{", source.split("\n};")[0])
    keys = [set(re.findall(r"(?:^|[ ,{])(\w+): \"", part, re.M)) for part in (english, russian)]
    assert keys[1] - keys[0] == {"members_few"}
    assert not keys[0] - keys[1]
    code = "".join(it.read_text("utf-8") for it in STATIC.glob("*.js")).replace(source.split("\n};")[0], "")
    assert not {it for it in keys[0] if not COMPOSED.match(it) and f'"{it}"' not in code}
