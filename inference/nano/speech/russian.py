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
PRONOUNS = {"m": ("он", "него", "ним", "который"), "f": ("она", "неё", "ней", "которая"),
            "n": ("оно", "него", "ним", "которое")}  # fmt: skip
GROUPS = {2: ("пара", "парочка"), 3: ("тройка", "трио")}
COLLECTIVE = {2: "двое", 3: "трое"}
PLURAL_BEHIND = (" ", ", ")


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
    bare noun, `{it:colour}` the colour that agrees with it; `{it:on}`, `{it:of}`, `{it:with}` and `{it:who}` are its
    pronouns."""

    noun: Word
    shade: str
    colour: Adjective | None
    others: tuple[Adjective, ...]

    def __format__(self, case: str) -> str:
        if case in ("on", "of", "with", "who"):
            return PRONOUNS[self.noun.gender][("on", "of", "with", "who").index(case)]
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
    noun = known[0] if rng.random() < 0.4 else rng.choice(known)
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
        group = group[:-1] + "у" if case == "acc" and group.endswith("а") else group
        return _spaced(group, of_many, noun.many)
    if way < 0.2:
        number = COLLECTIVE[count] if noun.animate else numeral
        return f"{noun.many} {number}" + (f", {plural}" if plural else "")
    if way < 0.3:
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
    after = (f" {it.coloured(case)}", f", {colour}", f" - {colour}", f" ({colour})", f". {colour}")
    clauses = (f", {it:who} {colour}", f", {it:on} {colour}")
    return bare + rng.choice(after + clauses)


def ground(rng: random.Random, background: str, before: bool) -> str:
    """Where it all is: as a part behind the subject, with its comma, or before it."""
    scene = background in SCENES
    forms = WORDS["before" if before else "scene_grounds" if scene else "grounds"]
    chosen = one_of(rng, [form for form in forms if ("{at}" in form or "{noun}" in form) == scene])
    if scene:
        at, noun = (one_of(rng, WORDS["scenes"][kind][background]) for kind in ("at", "noun"))
        return chosen.format(at=at, noun=noun, who="который")
    shade, stem = hue(rng, background)
    forms_of = {case: shade + inflect(stem, case) for case in ("m", "gen", "ins", "prep")}
    return chosen.format(plain=shade + inflect(stem, "n"), **forms_of)


def pair(rng: random.Random, scene: Scene, case: str, coloured: tuple[bool, bool]) -> str:
    """Two things and how they stand to one another."""
    a, b = (spoken(rng, thing, said) for thing, said in zip(scene.things, coloured, strict=True))
    template: str = rng.choice(WORDS[scene.pairing]).replace(":x}", f":{case}}}")
    way = rng.random()
    if not all(coloured) or way > 0.35:
        return template.format(a=a, b=b)
    if way < 0.15 and a.noun.nom != b.noun.nom:
        colours = (f"{a:noun} {a:colour}", f"{b:noun} {b:colour}")
        return template.format(a=a.bare, b=b.bare) + expand(rng, "(, |. |; )") + rng.choice((", ", " и ")).join(colours)
    return template.format(a=_Behind(a), b=_Behind(b))


@dataclass(frozen=True)
class _Behind:
    """A thing whose colour stands behind it: "кот чёрный"."""

    it: Spoken

    def __format__(self, case: str) -> str:
        if case in ("nom", "acc", "gen", "ins"):
            return f"{format(self.it.bare, case)} {self.it.coloured(case)}"
        return format(self.it, case)
