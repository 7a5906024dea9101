"""Asking for pictures in English: things, grounds, and two things beside or above one another."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from inference.nano.speech.grammar import expand, often_first, one_of, shuffled, words
from inference.nano.world import SCENES, Scene, Thing

WORDS = words("english")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NUMBERS = {2: ("two", "a couple of", "a pair of", "couple of", "both", "twin", "double", "2x", "two identical",
               "a duo of"),
           3: ("three", "a trio of", "a group of three", "exactly three", "3x", "triple", "three identical",
               "a set of three")}  # fmt: skip
AFTER = {2: ("a pair", "two of them", "a couple", "x2", "two", "2 pcs"),
         3: ("a trio", "three of them", "all three", "x3", "three", "3 pcs")}  # fmt: skip
AGAIN = {2: ("a {0} and another {0}", "{0} and {0}", "a {0} and one more {0}", "{0} {0}", "one {0} and a second {0}"),
         3: ("{0}, {0} and {0}", "{0} {0} {0}", "a {0}, another {0} and one more {0}", "{0}, {0}, {0}",
             "a {0}, a {0} and a {0}")}  # fmt: skip
ALL_OF_THEM = (", {0}", " in {0}", " that are {0}", ", all {0}", " ({0})", ", {0} ones", " of {0} colour", ", each {0}",
               " and they are {0}", ", make them {0}")  # fmt: skip


@dataclass(frozen=True)
class Spoken:
    """A thing in words: `{it}` in a template is the whole phrase, `{it:the}` a later mention, `{it:noun}` the bare
    noun, `{it:colour}` its colour."""

    noun: str
    colour: str
    others: tuple[str, ...]
    article: bool

    @property
    def bare(self) -> Spoken:
        """The thing without its colour."""
        return replace(self, colour="")

    def __format__(self, part: str) -> str:
        if part == "the":
            return f"the {self.noun}"
        if part:
            return self.noun if part == "noun" else self.colour
        phrase = " ".join(word for word in (*self.others, self.colour, self.noun) if word)
        return article(phrase) if self.article else phrase


def article(phrase: str) -> str:
    """ "an orange star", "a red one"."""
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def hue(rng: random.Random, colour: str) -> str:
    """A word for a colour, the plainest one most often."""
    return often_first(rng, WORDS["colours"][colour], 0.66)


def _filler(rng: random.Random) -> list[str]:
    return [rng.choice(WORDS["fillers"])] if rng.random() < 0.09 else []


def _noun(rng: random.Random, shape: str) -> tuple[str, str]:
    """Singular and plural."""
    one, many = often_first(rng, WORDS["nouns"][shape], 0.52).split("/")
    return one, many


def spoken(rng: random.Random, thing: Thing, coloured: bool = True, size: str = "", articles: bool = True) -> Spoken:
    """Words for a thing, some of them saying nothing that the world could show."""
    others = [*([rng.choice(WORDS["sizes"][size])] if size else []), *_filler(rng)]
    rng.shuffle(others)
    colour = hue(rng, thing.colour) if coloured else ""
    return Spoken(_noun(rng, thing.shape)[0], colour, tuple(others), articles)


def counted(rng: random.Random, thing: Thing, count: int, coloured: bool) -> str:
    """Two or three of a thing."""
    (one, plural), (number, *groups) = _noun(rng, thing.shape), NUMBERS[count]
    said = rng.choice((number, number, number, number, str(count), *groups))
    colour, way = hue(rng, thing.colour) if coloured else "", rng.random()
    if way < 0.07:
        again = rng.choice(AGAIN[count]).format(one)
        return again + (rng.choice(ALL_OF_THEM).format(colour) if colour else "")
    if way < 0.2:
        return f"{colour} {plural}{rng.choice((', ', ' - ', ' '))}{rng.choice(AFTER[count])}"
    if not colour:
        return f"{said} {plural}" if way < 0.85 else f"{plural}, {rng.choice((number, str(count)))}"
    if way < 0.28:
        return shuffled(rng, plural, rng.choice((number, str(count), f"{number} of them")), colour)
    if way < 0.42:
        return f"{said} {plural}{rng.choice(ALL_OF_THEM).format(colour)}"
    return " ".join([said, *_filler(rng), colour, plural])


def described(rng: random.Random, it: Spoken) -> str:
    """One thing, its colour before it or behind it."""
    if not it.colour or rng.random() < 0.6:
        return f"{it}"
    return f"{it.bare}{one_of(rng, WORDS['behind']).format(it.colour)}"


def ground(rng: random.Random, background: str, before: bool) -> str:
    """Where it all is: as a part behind the subject, with its comma, or before it."""
    scene = background in SCENES
    forms = WORDS["before" if before else "scene_grounds" if scene else "grounds"]
    chosen = one_of(rng, [form for form in forms if ("{c}" in form) != scene])
    if scene:
        at, noun = (one_of(rng, WORDS["scenes"][kind][background]) for kind in ("at", "noun"))
        return chosen.format(at=at, noun=noun)
    colour = hue(rng, background)
    said = chosen.format(c=colour)
    return said.replace(f" a {colour}", f" {article(colour)}")


def pair(rng: random.Random, scene: Scene, coloured: tuple[bool, bool]) -> str:
    """Two things and how they stand to one another."""
    articles = rng.random() < 0.7
    a, b = (spoken(rng, thing, said, articles=articles) for thing, said in zip(scene.things, coloured, strict=True))
    template, way = expand(rng, rng.choice(WORDS[scene.pairing])), rng.random()
    bare = template.format(a=a.bare, b=b.bare)
    if all(coloured) and scene.things[0].colour == scene.things[1].colour and way < 0.7:
        return bare + one_of(rng, WORDS["both"]).format(c=a.colour)
    told = [it for it in (a, b) if it.colour]
    if told and way < 0.22 and a.noun != b.noun:
        verb, join = one_of(rng, WORDS["afterwards"]), rng.choice((", ", " and "))
        said = join.join(verb.format(the=f"{it:the}", noun=it.noun, c=it.colour) for it in rng.sample(told, len(told)))
        return bare + rng.choice((", ", ". ", "; ", " - ", ", ")) + said
    if all(coloured) and way < 0.29:
        inorder = sorted((a, b), key=lambda it: template.find("{a" if it is a else "{b"))
        return bare + one_of(rng, WORDS["in_order"]).format(*(it.colour for it in inorder))
    if way > 0.45:
        return template.format(a=a, b=b)
    return template.format(a=_Behind(a, one_of(rng, WORDS["links"])), b=_Behind(b, one_of(rng, WORDS["links"])))


@dataclass(frozen=True)
class _Behind:
    """A thing whose colour stands behind it: "a cat in black"."""

    it: Spoken
    link: str

    def __format__(self, part: str) -> str:
        if part or not self.it.colour:
            return format(self.it, part)
        return f"{self.it.bare}{self.link.format(self.it.colour)}"
