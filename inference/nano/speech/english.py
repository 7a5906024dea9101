"""Asking for pictures in English: things, grounds, and two things beside or above one another."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from inference.nano.speech.grammar import expand, often_first, one_of, shuffled, words
from inference.nano.world import SCENES, Scene, Thing

WORDS = words("english")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NUMBERS = {2: ("two", "a couple of", "a pair of", "couple of", "both"),
           3: ("three", "a trio of", "a group of three", "exactly three", "3x")}  # fmt: skip
BEHIND = (", {0}", " in {0}", " that is {0}", " which is {0}", ", {0} one", " - {0}", " ({0})", " that's {0}",
          " of {0} colour", " colored {0}", " coloured {0}", ". {0}", ", it's {0}", ", it is {0}", " {0}",
          ", colour {0}")  # fmt: skip
LINKS = ("in", "that is", "colored")
ALL_OF_THEM = (", {0}", " in {0}", " that are {0}", ", all {0}", " ({0})", ", {0} ones", " of {0} colour")


@dataclass(frozen=True)
class Spoken:
    """A thing in words: `{it}` in a template is the whole phrase, `{it:the}` a later mention, `{it:noun}` the bare
    noun, `{it:colour}` its colour."""

    noun: str
    colour: str
    others: tuple[str, ...]
    article: bool

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
    one, many = often_first(rng, WORDS["nouns"][shape], 0.45).split("/")
    return one, many


def spoken(rng: random.Random, thing: Thing, coloured: bool = True, size: str = "", articles: bool = True) -> Spoken:
    """Words for a thing, some of them saying nothing that the world could show."""
    others = [*([rng.choice(WORDS["sizes"][size])] if size else []), *_filler(rng)]
    rng.shuffle(others)
    colour = hue(rng, thing.colour) if coloured else ""
    return Spoken(_noun(rng, thing.shape)[0], colour, tuple(others), articles)


def counted(rng: random.Random, thing: Thing, count: int, coloured: bool) -> str:
    """Two or three of a thing."""
    plural, (number, *groups) = _noun(rng, thing.shape)[1], NUMBERS[count]
    said = rng.choice((number, number, number, number, str(count), *groups))
    colour, way = hue(rng, thing.colour) if coloured else "", rng.random()
    if not colour:
        return f"{said} {plural}" if way < 0.85 else f"{plural}, {rng.choice((number, str(count)))}"
    if way < 0.1:
        return shuffled(rng, plural, rng.choice((number, str(count), f"{number} of them")), colour)
    if way < 0.28:
        return f"{said} {plural}{rng.choice(ALL_OF_THEM).format(colour)}"
    return " ".join([said, *_filler(rng), colour, plural])


def described(rng: random.Random, it: Spoken) -> str:
    """One thing, its colour before it or behind it."""
    if not it.colour or rng.random() < 0.6:
        return f"{it}"
    return f"{replace(it, colour='')}{rng.choice(BEHIND).format(it.colour)}"


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
    if not all(coloured) or way > 0.25:
        return template.format(a=a, b=b)
    if way < 0.15 and a.noun != b.noun:
        verb = rng.choice((" is ", " is ", " ", ": "))
        colours = rng.sample([f"{it:the}{verb}{it:colour}" for it in (a, b)], 2)
        plain = template.format(a=replace(a, colour=""), b=replace(b, colour=""))
        return plain + rng.choice((", ", ". ", "; ")) + rng.choice((", ", " and ")).join(colours)
    return template.format(a=_Behind(a, rng.choice(LINKS)), b=_Behind(b, rng.choice(LINKS)))


@dataclass(frozen=True)
class _Behind:
    """A thing whose colour stands behind it: "a cat in black"."""

    it: Spoken
    link: str

    def __format__(self, part: str) -> str:
        return f"{replace(self.it, colour='')} {self.link} {self.it.colour}" if not part else format(self.it, part)
