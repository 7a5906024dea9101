"""What the embedded checkpoint says of itself: the words it knows and sentences that come out well."""

from __future__ import annotations

from typing import Any

from inference.nano.lexicon import lexicon
from inference.nano.world import SIZE, SQUARE, TALL, WIDE

VOCABULARY = {
    "ru": [
        "круг", "квадрат", "треугольник", "ромб", "кольцо", "крест", "звезда", "сердце", "месяц", "солнце",
        "кот", "рыба", "дом", "дерево", "цветок", "лодка",
        "красный", "оранжевый", "жёлтый", "зелёный", "голубой", "синий", "фиолетовый", "розовый",
        "коричневый", "чёрный", "белый", "серый",
        "в космосе", "на море", "на лугу", "на закате",
        "большой", "маленький", "слева", "справа", "вверху", "внизу", "два", "три", "и", "над",
        "акварель", "рисунок линиями", "Кандинский", "Малевич", "Мондриан",
    ],
    "en": [
        "circle", "square", "triangle", "diamond", "ring", "cross", "star", "heart", "moon", "sun",
        "cat", "fish", "house", "tree", "flower", "boat",
        "red", "orange", "yellow", "green", "light blue", "blue", "violet", "pink", "brown", "black", "white", "grey",
        "in space", "at sea", "in a meadow", "at sunset",
        "big", "small", "on the left", "on the right", "at the top", "at the bottom", "two", "three", "and", "above",
        "watercolour", "line drawing", "Kandinsky", "Malevich", "Mondrian",
    ],
}  # fmt: skip

EXAMPLES = {
    "ru": ["красный круг на синем фоне", "чёрный кот в космосе", "жёлтая лодка на море"],
    "en": ["a red circle on a blue background", "a black cat in space", "a yellow boat at sea"],
}


# Words for the styles of the studio, as captions say them.
STYLES = {
    "watercolour": {"ru": "акварель", "en": "watercolour"},
    "lines": {"ru": "рисунок линиями", "en": "line drawing"},
    "kandinsky": {"ru": "в стиле Кандинского", "en": "in the style of Kandinsky"},
    "malevich": {"ru": "в стиле Малевича", "en": "in the style of Malevich"},
    "mondrian": {"ru": "в стиле Мондриана", "en": "in the style of Mondrian"},
}


def card() -> dict[str, Any]:
    """The content of card.json."""
    return {
        "label": {"ru": "нано-Кандинский", "en": "nano Kandinsky"},
        "native_size": [SIZE, SIZE],
        "sizes": {"1:1": list(SQUARE), "3:2": list(WIDE), "2:3": list(TALL)},
        "languages": ["ru", "en"],
        "vocabulary": VOCABULARY,
        "lexicon": lexicon(),
        "examples": EXAMPLES,
        "styles": STYLES,
        "refines": False,  # through the small codec an enlarged picture comes out coarser than it went in
    }
