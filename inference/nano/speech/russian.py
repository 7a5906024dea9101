"""Asking for pictures in Russian: things, grounds, and two things beside or above one another."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cache

from inference.nano.speech.grammar import expand, one_of, shuffled, words
from inference.nano.words import COLOUR_STEMS, Adjective, Noun, agree, inflect
from inference.nano.world import SCENES, Scene, Thing

WORDS = words("russian")
LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
PRONOUNS = {"m": ("он", "него", "ним", "который", "нём"), "f": ("она", "неё", "ней", "которая", "ней"),
            "n": ("оно", "него", "ним", "которое", "нём")}  # fmt: skip
PRONOUN_FORMS = ("on", "of", "with", "who", "on_it")
GROUPS = {2: ("пара", "парочка", "двойка", "двойня", "дуэт"), 3: ("тройка", "трио", "троица")}
AFTER = {2: ("парой", "пара", "две штуки", "2 шт", "двойной набор"), 3: ("тройкой", "три штуки", "3 шт", "троица")}
AGAIN = {2: ("{0} и ещё {1} {0}", "{0} и {0}", "{0}, {0}", "{0}, ещё {0}", "{0} да {0}"),
         3: ("{0}, {0} и ещё {0}", "{0}, {0}, {0}", "{0} {0} {0}", "{0} и ещё {1} {0} и ещё {1}",
             "{0}, {0} и {0}")}  # fmt: skip
ANOTHER = {"m": "один", "f": "одна", "n": "одно"}
COLLECTIVE = {2: "двое", 3: "трое"}
LINKS = (" {0}", " {0}", " {0}", " ({0})", ", {0},", " - {0}")  # of a colour in a pair that stands behind its thing


@dataclass(frozen=True)
class Word(Noun):
    """A noun that knows its genitive plural."""

    many: str = ""

    @property
    def acc(self) -> str:
        """Accusative singular; "ель" keeps its form."""
        return self.nom if self.nom.endswith("ь") else super().acc


@cache
def nouns(shape: str) -> tuple[Word, ...]:
    """What people call a shape, the usual word first."""
    found = []
    for entry in WORDS["nouns"][shape]:
        gender, nom, gen, ins, plural, many, *animate = entry.split()
        found.append(Word(gender, nom, gen, ins, plural, bool(animate), many))
    return tuple(found)


def adjective(entry: str) -> Adjective:
    """Stem and kind of ending of a word of the tables."""
    stem, kind = entry.rsplit("-", 1)
    return stem, kind


@dataclass(frozen=True)
class Spoken:
    """A thing in words: `{it:nom}` in a template is the whole phrase in that case, `{it:noun}` and `{it:noun_gen}` the
    bare noun, `{it:colour}` the colour that agrees with it; `{it:on}`, `{it:of}`, `{it:with}`, `{it:who}` and
    `{it:on_it}` are its pronouns."""

    noun: Word
    shade: str
    colour: Adjective | None
    others: tuple[Adjective, ...]

    def __format__(self, case: str) -> str:
        if case in PRONOUN_FORMS:
            return PRONOUNS[self.noun.gender][PRONOUN_FORMS.index(case)]
        if case.startswith("noun"):
            return self._noun(case.removeprefix("noun_") if "_" in case else "nom")
        if case == "colour":
            return self.coloured("nom")
        return " ".join([*(agree(one, self.noun, case) for one in self.others), *self._colour(case), self._noun(case)])

    def coloured(self, case: str) -> str:
        """The colour that agrees with the noun in a case."""
        return "".join(self._colour(case))

    def _colour(self, case: str) -> list[str]:
        return [self.shade + agree(self.colour, self.noun, case)] if self.colour else []

    def _noun(self, case: str) -> str:
        noun: str = getattr(self.noun, case)
        return noun

    @property
    def bare(self) -> Spoken:
        """The thing without its colour."""
        return replace(self, colour=None)


def hue(rng: random.Random, colour: str) -> tuple[str, Adjective]:
    """A shade ("" or "тёмно-") and a word for a colour."""
    if rng.random() > 0.8:
        return "", adjective(rng.choice(WORDS["colours"][colour]))
    return (rng.choice(WORDS["shades"][colour]) if rng.random() < 0.1 else ""), COLOUR_STEMS[colour][0]


def spoken(rng: random.Random, thing: Thing, coloured: bool = True, size: str = "") -> Spoken:
    """Words for a thing, some of them saying nothing that the world could show."""
    known = nouns(thing.shape)
    others = [adjective(rng.choice(WORDS["sizes"][size]))] if size else []
    others += [adjective(rng.choice(WORDS["fillers"]))] if rng.random() < 0.08 else []
    rng.shuffle(others)
    shade, colour = hue(rng, thing.colour)
    noun = known[0] if rng.random() < 0.47 else rng.choice(known)
    return Spoken(noun, shade, colour if coloured else None, tuple(others))


def counted(rng: random.Random, thing: Thing, count: int, case: str, coloured: bool) -> str:
    """Two or three of a thing, in the nominative or accusative."""
    it = spoken(rng, thing, coloured)
    noun, way = it.noun, rng.random()
    woman = noun.gender == "f"
    numeral = {2: "две" if woman else "два", 3: "три"}[count]
    of_many, plural = (it.shade + inflect(it.colour, form) if it.colour else "" for form in ("plgen", "plural"))
    if way < 0.12:
        group = rng.choice(GROUPS[count])
        group = group[:-1] + {"а": "у", "я": "ю"}.get(group[-1], group[-1]) if case == "acc" else group
        return _spaced(group, of_many, noun.many)
    if way < 0.17:
        return f"{plural} {noun.plural}".strip() + rng.choice((", ", " ", " - ")) + rng.choice(AFTER[count])
    if way < 0.22:
        again = rng.choice(AGAIN[count]).format(noun.acc if case == "acc" else noun.nom, ANOTHER[noun.gender])
        return again + (
            one_of(rng, WORDS["both"][1:]).format(plural=plural, gen=it.shade + inflect(it.colour, "gen"))
            if it.colour
            else ""
        )
    if way < 0.29:
        number = COLLECTIVE[count] if noun.animate else numeral
        return f"{noun.many} {number}" + (f", {plural}" if plural else "")
    if way < 0.38:
        return shuffled(rng, noun.plural, rng.choice((str(count), numeral, f"{count} штуки")), plural)
    if noun.animate and case == "acc" and way < 0.8:
        return _spaced(rng.choice(({2: "двух", 3: "трёх"}[count], str(count))), of_many, noun.many)
    number = str(count) if rng.random() < 0.2 else numeral
    if it.colour and way > 0.92:
        return f"{number} {noun.gen} {it.shade}{inflect(it.colour, 'gen')} цвета"
    if it.colour and way > 0.8:
        return f"{number} {noun.gen}" + rng.choice((f", {plural}", f" {plural if woman else of_many}"))
    return _spaced(number, plural if woman or rng.random() < 0.15 else of_many, noun.gen)


def _spaced(*parts: str) -> str:
    return " ".join(filter(None, parts))


def described(rng: random.Random, it: Spoken, case: str) -> str:
    """One thing, its colour before it or behind it."""
    if not it.colour or rng.random() < 0.55:
        return format(it, case)
    bare, colour = format(it.bare, case), f"{it:colour}"
    if rng.random() < 0.15:
        return f"{bare} {it.shade}{inflect(it.colour, 'gen')} цвета"
    if rng.random() < 0.2:
        return f"{bare} {it.coloured(case)}"
    ins = it.shade + agree(it.colour, it.noun, "ins")
    return bare + one_of(rng, WORDS["behind"]).format(c=colour, who=f"{it:who}", on=f"{it:on}", ins=ins)


def size_behind(rng: random.Random, size: str, noun: Word) -> str:
    """A size as it stands behind its thing: "маленький", "среднего размера", "побольше"."""
    stem = adjective(rng.choice(WORDS["sizes"][size]))
    said = one_of(rng, [*WORDS["sizes_behind"]["any"], *WORDS["sizes_behind"][size]])
    return said.format(
        own=inflect(stem, noun.gender), m=inflect(stem, "m"), gen=inflect(stem, "gen"), ins=agree(stem, noun, "ins")
    )


def ground(rng: random.Random, background: str, before: bool) -> str:
    """Where it all is: as a part behind the subject, with its comma, or before it."""
    scene = background in SCENES
    forms = WORDS["before" if before else "scene_grounds" if scene else "grounds"]
    chosen = one_of(rng, [form for form in forms if ("{at}" in form or "{noun}" in form) == scene])
    if scene:
        at, noun = (one_of(rng, WORDS["scenes"][kind][background]) for kind in ("at", "noun"))
        return chosen.format(at=at, noun=noun, who="который")
    shade, stem = hue(rng, background)
    forms_of = {case: shade + inflect(stem, case) for case in ("m", "f", "gen", "ins", "prep", "genf", "insf", "accf")}
    return chosen.format(plain=shade + inflect(stem, "n"), **forms_of)


def pair(rng: random.Random, scene: Scene, case: str, coloured: tuple[bool, bool]) -> str:
    """Two things and how they stand to one another."""
    a, b = (spoken(rng, thing, said) for thing, said in zip(scene.things, coloured, strict=True))
    template: str = expand(rng, rng.choice(WORDS[scene.pairing])).replace(":x}", f":{case}}}")
    way, bare = rng.random(), template.format(a=a.bare, b=b.bare)
    if all(coloured) and scene.things[0].colour == scene.things[1].colour and way < 0.7:
        assert a.colour is not None
        forms = {form: a.shade + inflect(a.colour, form) for form in ("plural", "gen")}
        women = a.noun.gender == b.noun.gender == "f"
        return bare + one_of(rng, WORDS["both"]).format(**forms).replace("оба", "обе" if women else "оба")
    told = [it for it in (a, b) if it.colour]
    if told and way < 0.22 and a.noun.nom != b.noun.nom:
        said = [_told(rng, it) for it in rng.sample(told, len(told))]
        return bare + rng.choice((", ", ", ", ". ", "; ", " - ")) + rng.choice((", ", " и ", ", а ")).join(said)
    if all(coloured) and way < 0.29:
        inorder = sorted((a, b), key=lambda it: template.find("{a" if it is a else "{b"))
        return bare + one_of(rng, WORDS["in_order"]).format(*(f"{it:colour}" for it in inorder))
    if way > 0.48:
        return template.format(a=a, b=b)
    return template.format(a=_Behind(a, rng.choice(LINKS)), b=_Behind(b, rng.choice(LINKS)))


def _told(rng: random.Random, it: Spoken) -> str:
    """The colour of a thing that has been named already."""
    colours = {case: _with_colour(it, case) for case in ("nom", "ins")}
    return one_of(rng, WORDS["afterwards"]).format(
        noun=it.noun.nom, gen=it.noun.gen, acc=it.noun.acc, m=it.shade + inflect(it.colour or ("", "hard"), "m"),
        c=colours["nom"], ins=colours["ins"],
    )  # fmt: skip


def _with_colour(it: Spoken, case: str) -> str:
    assert it.colour is not None
    return it.shade + agree(it.colour, it.noun, case)


@dataclass(frozen=True)
class _Behind:
    """A thing whose colour stands behind it: "кот чёрный"."""

    it: Spoken
    link: str

    def __format__(self, case: str) -> str:
        if case in ("nom", "acc", "gen", "ins", "prep") and self.it.colour:
            colour = self.it.coloured(case) if self.link == " {0}" else self.it.coloured("nom")
            return format(self.it.bare, case) + self.link.format(colour)
        return format(self.it, case)
