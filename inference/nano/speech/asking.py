"""Sentences as people write them to a bot, about scenes of the world, and what they name.

The captions of `inference.nano.captions` are how the nets were taught to speak; this is how they are spoken to: wishes
and courtesies, lists, clauses, words that mean nothing here, parts in any order, typing errors, capitals, full stops.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace

from inference.families.kandinsky.pipelines.adapted import FILLER
from inference.nano.captions import LANGUAGES, Named, caption
from inference.nano.meaning import plain_caption, settled
from inference.nano.speech import english, russian
from inference.nano.speech.grammar import misspelt, one_of
from inference.nano.speech.strange import nonsense
from inference.nano.world import POSITIONS, SIZES, Scene, sample_scene

GROUND_UNSAID, COLOUR_UNSAID = 0.2, 0.12
PAIRS, PLACED = 0.28, 0.4  # of scenes made pairs besides the usual ones, and of single things put anywhere, of any size
ALIKE = 0.12  # of pairs are made to be of one colour: people say that once for both
GROUND_FIRST = 0.2
PLACE_LAST = 0.35  # behind the ground
MISSPELT, TWICE = 0.2, 0.25  # of sentences, and of those once more
PLAIN_SHARE, STRANGE_SHARE = 0.2, 0.03  # captions as before, and sentences about nothing that the world has
WORDLESS_SHARE = 0.06  # what stands where a picture speaks instead of words: it is to mean what it has meant
WORDLESS = (FILLER, FILLER, "")
ASIDE = 0.07  # of sentences speak of something besides that is not to be drawn
PAUSES = ("... ", "! ", "!!! ", " - ", "; ", ". ", " / ", " — ", ",", "? ")  # where a comma would do
EMOJI = "🙂😊😍🥰🐱🐟🌞🌙⭐🏠🌲🌸❤️🔥✨👍🙏🎨🎉"


def ask(scene: Scene, language: str, rng: random.Random) -> tuple[str, Named]:
    """A sentence about a scene that is no abstraction, in "ru" or "en", and the attributes that it names."""
    speech, named = english if language == "en" else russian, Named(kind=scene.kind)
    subject, wish = (_russian if language == "ru" else _english)(scene, rng, named)
    place = ""
    if scene.kind == "single" and rng.random() < (0.12 if scene.position == "centre" else 0.9):
        named["position"] = scene.position
        place = one_of(rng, speech.WORDS["places"][scene.position])
    last = rng.random() < PLACE_LAST
    text = _with_place(rng, subject, "" if last else place)
    if rng.random() >= GROUND_UNSAID:
        named["background"] = scene.background
        text, wish = _on_ground(rng, language, scene, text, wish)
    text = wish + text
    if place and last:
        text += rng.choice((", ", ", ", " ", ". ", " - ")) + place
    if rng.random() < 0.22:
        text += one_of(rng, speech.WORDS[rng.choice(("courtesies", "endings"))])
    if rng.random() < ASIDE:
        text += one_of(rng, speech.WORDS["asides"]).format(rng.choice(speech.WORDS["strange"]["things"]))
    if scene.style != "flat":
        named["style"] = scene.style
        ahead = rng.random() < 0.4
        style = one_of(rng, speech.WORDS["styles"]["ahead" if ahead else "behind"][scene.style])
        text = style + text if ahead else text + style
    return _typed(rng, text, speech.LETTERS), named


def _with_place(rng: random.Random, subject: str, place: str) -> str:
    if not place:
        return subject
    joint = rng.choice((" ", " ", ", ", " - "))
    return f"{place}{joint}{subject}" if rng.random() < 0.3 else f"{subject}{joint}{place}"


def _on_ground(rng: random.Random, language: str, scene: Scene, text: str, wish: str) -> tuple[str, str]:
    """The text with its ground, and what is left to put before it of the wish."""
    before = rng.random() < GROUND_FIRST
    ground = (russian if language == "ru" else english).ground(rng, scene.background, before)
    if before:
        return ground + text, wish if rng.random() < 0.4 else ""
    return f"{text} {ground}", wish


def _russian(scene: Scene, rng: random.Random, named: Named) -> tuple[str, str]:
    """Subject and wish."""
    table, pick, case, wish = russian.WORDS, rng.random(), "nom", ""
    if pick < 0.26:
        case, wish = "acc", one_of(rng, table["wishes"]) + (rng.choice(table["wish_tails"]) + " ")
    elif pick < 0.36:
        wish = one_of(rng, table["frames"]) + " "
    if scene.kind == "pair":
        return russian.pair(rng, scene, case, _pair_colours(scene, rng, named)), wish
    coloured, (thing,) = _coloured(scene, rng, named), scene.things
    if scene.kind == "count":
        return russian.counted(rng, thing, scene.count, case, coloured), wish
    size, detached = _size(scene, rng, named)
    it = russian.spoken(rng, thing, coloured, "" if detached else size)
    behind = russian.size_behind(rng, size, it.noun) if detached else ""
    return _detached(rng, russian.described(rng, it, case), f"{it:colour}", f"{it.bare:{case}}", behind), wish


def _english(scene: Scene, rng: random.Random, named: Named) -> tuple[str, str]:
    """Subject and wish."""
    table, pick = english.WORDS, rng.random()
    wish = one_of(rng, table["wishes" if pick < 0.26 else "frames"]) + " " if pick < 0.36 else ""
    if scene.kind == "pair":
        return english.pair(rng, scene, _pair_colours(scene, rng, named)), wish
    coloured, (thing,) = _coloured(scene, rng, named), scene.things
    if scene.kind == "count":
        return english.counted(rng, thing, scene.count, coloured), wish
    size, detached = _size(scene, rng, named)
    it = english.spoken(rng, thing, coloured, "" if detached else size, articles=rng.random() < 0.6)
    behind = one_of(rng, table["sizes_behind"]).format(rng.choice(table["sizes"][size])) if detached else ""
    return _detached(rng, english.described(rng, it), it.colour, f"{replace(it, colour='')}", behind), wish


def _detached(rng: random.Random, described: str, colour: str, bare: str, size: str) -> str:
    """The thing with its size behind it, and in half of the cases as a list of all there is to say of it."""
    if size and rng.random() < 0.6:
        return f"{described} ({size})" if rng.random() < 0.15 else f"{described}, {size}"
    if not size and rng.random() < 0.93:
        return described
    return ", ".join(
        [bare, *rng.sample([part for part in (colour, size) if part], len([p for p in (colour, size) if p]))]
    )


def _coloured(scene: Scene, rng: random.Random, named: Named) -> bool:
    """Whether the colour of the only kind of thing is said; names what is."""
    (thing,) = scene.things
    named["shape1"] = thing.shape
    if scene.kind == "count":
        named["count"] = str(scene.count)
    said = rng.random() >= COLOUR_UNSAID
    if said:
        named["colour1"] = thing.colour
    return said


def _pair_colours(scene: Scene, rng: random.Random, named: Named) -> tuple[bool, bool]:
    """Of which things the colour is said; names what is."""
    named |= {"shape1": scene.things[0].shape, "shape2": scene.things[1].shape, "pairing": scene.pairing}
    said = (rng.random() >= COLOUR_UNSAID, rng.random() >= COLOUR_UNSAID)
    named |= {f"colour{i}": thing.colour for i, thing in enumerate(scene.things, 1) if said[i - 1]}
    return said


def _size(scene: Scene, rng: random.Random, named: Named) -> tuple[str, bool]:
    """The size to be said ("" for none), and whether it stands behind the thing, after a comma."""
    if rng.random() >= (0.05 if scene.size == "medium" else 0.85):
        return "", False
    named["size"] = scene.size
    return scene.size, rng.random() < 0.25


def _typed(rng: random.Random, text: str, letters: str) -> str:
    """The sentence as fingers make it: spaces, capitals, an end, an error."""
    text = " ".join(text.replace(" ,", ",").replace(" .", ".").replace(",,", ",").split()).strip(" ,")
    if rng.random() < MISSPELT:
        text = misspelt(rng, text, letters)
        if rng.random() < TWICE:
            text = misspelt(rng, text, letters)
    if rng.random() < 0.02 and text[-1].isalpha():
        text += text[-1] * rng.randint(1, 4)
    way = rng.random()
    if way < 0.3:
        text = text[:1].upper() + text[1:]
    elif way < 0.33:
        text = text.upper()
    elif way < 0.36:
        text = text.title()
    elif way < 0.48:
        text = text.replace(", ", rng.choice(PAUSES))
    elif way < 0.56:
        text = re.sub(r"[,:;.]", "", text)
    if rng.random() < 0.2 and text[-1].isalnum():
        text += rng.choice((".", ".", "!", "?", "..."))
    return text + (f" {rng.choice(EMOJI)}" if rng.random() < 0.06 else "")


def sentences(start: int, count: int) -> tuple[list[str], list[str], list[Named]]:
    """Sentences about the scenes start .. start + count - 1, the plain captions of what they mean, and their
    attributes."""
    made = [_sentence(seed) for seed in range(start, start + count)]
    return [m[0] for m in made], [m[1] for m in made], [m[2] for m in made]


def spoken_of(seed: int, rng: random.Random) -> Scene:
    """The scene that a sentence is about: what is hard to say comes up more often than in pictures."""
    scene = sample_scene(seed, "pair" if rng.random() < PAIRS else None)
    if scene.kind == "pair" and rng.random() < ALIKE:
        return alike(scene)
    if scene.kind == "single" and rng.random() < PLACED:
        return replace(scene, position=rng.choice(POSITIONS), size=rng.choice(SIZES))
    return scene


def alike(scene: Scene) -> Scene:
    """The pair with the second thing in the colour of the first, unless it would be that very thing."""
    first, second = scene.things
    return (
        scene if first.shape == second.shape else replace(scene, things=(first, replace(second, colour=first.colour)))
    )


def _sentence(seed: int) -> tuple[str, str, Named]:
    rng = random.Random(f"asked {seed}")  # not what the scene draws from: the choice of its kind would hang on it
    scene = spoken_of(seed, rng)
    language, pick = rng.choice(LANGUAGES), rng.random()
    if pick < STRANGE_SHARE:
        return nonsense(language, rng), plain_caption({}), {"kind": "abstract"}
    if pick > 1 - WORDLESS_SHARE:
        nothing = rng.choice(WORDLESS)
        return nothing, nothing, {}
    if scene.kind == "abstract":
        said, named = caption(scene, language, rng)
        return said, said, named
    said, named = (caption if pick < STRANGE_SHARE + PLAIN_SHARE else ask)(scene, language, rng)
    meant = settled(named)
    return said, plain_caption(meant), meant
