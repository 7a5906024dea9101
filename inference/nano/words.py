"""The words of the world in Russian and English, and the inflection that captions need."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Noun:
    """A Russian noun: gender "m", "f" or "n"; nominative, genitive and instrumental singular, nominative plural."""

    gender: str
    nom: str
    gen: str
    ins: str
    plural: str
    animate: bool = False

    @property
    def acc(self) -> str:
        """Accusative singular."""
        if self.gender == "f":
            return self.nom[:-1] + ("у" if self.nom[-1] == "а" else "ю")
        return self.gen if self.animate else self.nom

    @property
    def prep(self) -> str:
        """Prepositional singular: "на звезде", "на доме", "на ели"."""
        return (
            self.gen
            if self.gen.endswith("ии") or (self.nom.endswith("ь") and self.gender == "f")
            else self.gen[:-1] + "е"
        )


def _noun(gender: str, forms: str, animate: bool = False) -> Noun:
    nom, gen, ins, plural = forms.split()
    return Noun(gender, nom, gen, ins, plural, animate)


NOUNS: dict[str, tuple[Noun, ...]] = {
    "circle": (_noun("m", "круг круга кругом круги"), _noun("m", "кружок кружка кружком кружки"),
               _noun("m", "шар шара шаром шары")),
    "square": (_noun("m", "квадрат квадрата квадратом квадраты"),),
    "triangle": (_noun("m", "треугольник треугольника треугольником треугольники"),),
    "star": (_noun("f", "звезда звезды звездой звёзды"), _noun("f", "звёздочка звёздочки звёздочкой звёздочки")),
    "heart": (_noun("n", "сердце сердца сердцем сердца"), _noun("n", "сердечко сердечка сердечком сердечки")),
    "cross": (_noun("m", "крест креста крестом кресты"), _noun("m", "крестик крестика крестиком крестики")),
    "ring": (_noun("n", "кольцо кольца кольцом кольца"),),
    "crescent": (_noun("m", "месяц месяца месяцем месяцы"), _noun("m", "полумесяц полумесяца полумесяцем полумесяцы"),
                 _noun("f", "луна луны луной луны")),
    "house": (_noun("m", "дом дома домом дома"), _noun("m", "домик домика домиком домики")),
    "tree": (_noun("n", "дерево дерева деревом деревья"), _noun("f", "ёлка ёлки ёлкой ёлки")),
    "flower": (_noun("m", "цветок цветка цветком цветы"), _noun("m", "цветочек цветочка цветочком цветочки")),
    "cat": (_noun("m", "кот кота котом коты", True), _noun("f", "кошка кошки кошкой кошки", True),
            _noun("m", "котик котика котиком котики", True), _noun("m", "котёнок котёнка котёнком котята", True)),
    "fish": (_noun("f", "рыба рыбы рыбой рыбы"), _noun("f", "рыбка рыбки рыбкой рыбки")),
    "boat": (_noun("f", "лодка лодки лодкой лодки"), _noun("m", "кораблик кораблика корабликом кораблики"),
             _noun("m", "парусник парусника парусником парусники"), _noun("m", "корабль корабля кораблём корабли")),
    "sun": (_noun("n", "солнце солнца солнцем солнца"), _noun("n", "солнышко солнышка солнышком солнышки")),
    "diamond": (_noun("m", "ромб ромба ромбом ромбы"), _noun("m", "алмаз алмаза алмазом алмазы")),
}  # fmt: skip

# Case endings of adjectives: m, f, n (nominative), gen and genf, ins and insf, prep, accf, plural, plgen.
CASES = ("m", "f", "n", "gen", "genf", "ins", "insf", "prep", "accf", "plural", "plgen")
_ENDINGS = {
    "hard": "ый ая ое ого ой ым ой ом ую ые ых",
    "stressed": "ой ая ое ого ой ым ой ом ую ые ых",
    "soft": "ий яя ее его ей им ей ем юю ие их",
    "velar": "ий ая ое ого ой им ой ом ую ие их",
    "large": "ой ая ое ого ой им ой ом ую ие их",
    "hushing": "ий ая ее его ей им ей ем ую ие их",
}

Adjective = tuple[str, str]  # stem and kind of ending

COLOUR_STEMS: dict[str, tuple[Adjective, ...]] = {
    "red": (("красн", "hard"), ("ал", "hard")),
    "orange": (("оранжев", "hard"), ("рыж", "hushing")),
    "yellow": (("жёлт", "hard"), ("золот", "stressed")),
    "green": (("зелён", "hard"),),
    "light blue": (("голуб", "stressed"),),
    "blue": (("син", "soft"),),
    "violet": (("фиолетов", "hard"), ("лилов", "hard")),
    "pink": (("розов", "hard"),),
    "brown": (("коричнев", "hard"),),
    "black": (("чёрн", "hard"),),
    "white": (("бел", "hard"),),
    "grey": (("сер", "hard"),),
}
SIZE_STEMS: dict[str, tuple[Adjective, ...]] = {
    "small": (("маленьк", "velar"), ("крошечн", "hard"), ("небольш", "large")),
    "medium": (("средн", "soft"),),
    "large": (("больш", "large"), ("огромн", "hard"), ("крупн", "hard")),
}


def inflect(adjective: Adjective, case: str) -> str:
    """A form of a Russian adjective; `case` is one of m f n gen genf ins insf prep accf plural plgen."""
    stem, kind = adjective
    return stem + _ENDINGS[kind].split()[CASES.index(case)]


def agree(adjective: Adjective, noun: Noun, case: str) -> str:
    """The adjective's form before `noun` in the singular; `case` is nom, gen, ins, prep or acc."""
    if case == "nom" or (case == "acc" and noun.gender == "n"):
        return inflect(adjective, noun.gender)
    if case == "acc":
        return inflect(adjective, "accf" if noun.gender == "f" else "gen" if noun.animate else "m")
    if case == "prep":
        return inflect(adjective, "genf" if noun.gender == "f" else "prep")
    return inflect(adjective, case + ("f" if noun.gender == "f" else ""))


# English singular and plural.
EN_NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "circle": (("circle", "circles"), ("disc", "discs"), ("ball", "balls")),
    "square": (("square", "squares"),),
    "triangle": (("triangle", "triangles"),),
    "star": (("star", "stars"),),
    "heart": (("heart", "hearts"),),
    "cross": (("cross", "crosses"),),
    "ring": (("ring", "rings"),),
    "crescent": (("crescent", "crescents"), ("moon", "moons"), ("crescent moon", "crescent moons")),
    "house": (("house", "houses"), ("cottage", "cottages")),
    "tree": (("tree", "trees"), ("fir tree", "fir trees")),
    "flower": (("flower", "flowers"),),
    "cat": (("cat", "cats"), ("kitten", "kittens"), ("kitty", "kitties")),
    "fish": (("fish", "fish"), ("fish", "fishes")),
    "boat": (("boat", "boats"), ("ship", "ships"), ("sailboat", "sailboats")),
    "sun": (("sun", "suns"),),
    "diamond": (("diamond", "diamonds"), ("rhombus", "rhombuses")),
}
EN_COLOURS: dict[str, tuple[str, ...]] = {
    "red": ("red", "scarlet"),
    "orange": ("orange",),
    "yellow": ("yellow", "golden"),
    "green": ("green",),
    "light blue": ("light blue", "sky blue", "cyan"),
    "blue": ("blue",),
    "violet": ("violet", "purple"),
    "pink": ("pink",),
    "brown": ("brown",),
    "black": ("black",),
    "white": ("white",),
    "grey": ("grey", "gray"),
}
EN_SIZES = {"small": ("small", "little", "tiny"), "medium": ("medium",), "large": ("large", "big", "huge")}

SCENE_PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "ru": {
        "night": ("в космосе", "на ночном небе", "в ночном небе", "на фоне ночного неба", "на фоне космоса", "ночью",
                  "среди звёзд", "на фоне звёздного неба", "в звёздном небе", "на фоне ночи"),
        "sea": ("на море", "в море", "у моря", "на фоне моря", "на воде", "над морем", "в океане"),
        "meadow": ("на лугу", "на траве", "на фоне луга", "в поле", "на поляне", "на зелёном лугу"),
        "sunset": ("на закате", "на фоне заката", "в лучах заката", "вечером"),
    },
    "en": {
        "night": ("in space", "in the night sky", "on a night sky", "against a starry sky", "at night",
                  "among the stars",
                  "in outer space", "against the night sky", "under the stars", "on a space background"),
        "sea": ("at sea", "on the sea", "by the sea", "on the water", "in the ocean", "over the sea",
                "against the sea"),
        "meadow": ("in a meadow", "on the grass", "in a field", "on a meadow", "on a green meadow", "in the meadow"),
        "sunset": ("at sunset", "in the sunset", "against a sunset", "in the evening"),
    },
}  # fmt: skip

POSITION_PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "ru": {
        "centre": ("в центре", "посередине"), "left": ("слева",), "right": ("справа",),
        "top": ("вверху", "сверху"), "bottom": ("внизу", "снизу"),
    },
    "en": {
        "centre": ("in the centre", "in the center", "in the middle"), "left": ("on the left", "at the left"),
        "right": ("on the right", "at the right"), "top": ("at the top",), "bottom": ("at the bottom",),
    },
}  # fmt: skip

PAINTER_PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "ru": {
        "kandinsky": ("Кандинский", "в стиле Кандинского", "картина Кандинского", "абстракция Кандинского",
                      "круги Кандинского",
                      "абстрактная картина в стиле Кандинского"),
        "malevich": ("Малевич", "в стиле Малевича", "картина Малевича", "супрематизм", "абстракция Малевича",
                     "абстрактная картина в стиле Малевича"),
        "mondrian": ("Мондриан", "в стиле Мондриана", "картина Мондриана", "абстракция Мондриана",
                     "абстрактная картина в стиле Мондриана"),
        "": ("абстракция", "абстрактная картина"),
    },
    "en": {
        "kandinsky": ("Kandinsky", "in the style of Kandinsky", "a painting by Kandinsky", "a Kandinsky abstraction",
                      "Kandinsky circles", "an abstract painting in the style of Kandinsky"),
        "malevich": ("Malevich", "in the style of Malevich", "a painting by Malevich", "suprematism",
                     "a Malevich abstraction",
                     "an abstract painting in the style of Malevich"),
        "mondrian": ("Mondrian", "in the style of Mondrian", "a painting by Mondrian", "a Mondrian abstraction",
                     "an abstract painting in the style of Mondrian"),
        "": ("abstraction", "an abstract painting", "abstract art"),
    },
}  # fmt: skip
