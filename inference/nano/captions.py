"""Sentences about scenes, in Russian and English, with agreement, synonyms, several word orders and parts left out.

A caption comes with the attributes it names, so that a text encoder can be taught to find them.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from inference.nano.words import (
    COLOUR_STEMS,
    EN_COLOURS,
    EN_NOUNS,
    EN_SIZES,
    NOUNS,
    PAINTER_PHRASES,
    POSITION_PHRASES,
    SCENE_PHRASES,
    SIZE_STEMS,
    Noun,
    agree,
    inflect,
)
from inference.nano.world import SCENES, Scene, Thing

LANGUAGES = ("ru", "en")
Named = dict[str, str]  # attribute → value, only for what the caption says
Speaker = Callable[[Scene, random.Random, Named], str]


def _first(rng: random.Random, options: tuple[str, ...], usual: float = 0.6) -> str:
    """The commonest word more often than its synonyms."""
    return options[0] if rng.random() < usual else rng.choice(options)


def _ru_noun(rng: random.Random, shape: str) -> Noun:
    nouns = NOUNS[shape]
    return nouns[0] if rng.random() < 0.55 else rng.choice(nouns)


def _ru_colour(rng: random.Random, colour: str) -> tuple[str, str]:
    stems = COLOUR_STEMS[colour]
    return stems[0] if rng.random() < 0.85 else rng.choice(stems)


def _ru_thing(rng: random.Random, thing: Thing, case: str, coloured: bool = True, size: str = "") -> str:
    """ "маленький красный круг" in the case asked for (nom, gen, ins, acc)."""
    noun = _ru_noun(rng, thing.shape)
    words = [agree(rng.choice(SIZE_STEMS[size]), noun, case)] if size else []
    if coloured:
        words.append(agree(_ru_colour(rng, thing.colour), noun, case))
    words.append(getattr(noun, case))
    if coloured and not size and case == "nom" and rng.random() < 0.06:
        return f"{noun.nom} {inflect(_ru_colour(rng, thing.colour), 'gen')} цвета"
    return " ".join(words)


def _ru_count(rng: random.Random, thing: Thing, count: int, coloured: bool) -> str:
    """ "два синих круга", "две синие рыбы", "три кота"."""
    noun = _ru_noun(rng, thing.shape)
    if rng.random() < 0.12:
        number = str(count)
    elif count == 2:
        number = "две" if noun.gender == "f" else "два"
    else:
        number = "три"
    words = [number]
    if coloured:
        words.append(inflect(_ru_colour(rng, thing.colour), "plural" if noun.gender == "f" else "plgen"))
    return " ".join([*words, noun.gen])


def _ru_background(rng: random.Random, background: str) -> str:
    if background in SCENES:
        return _first(rng, SCENE_PHRASES["ru"][background], 0.3)
    colour = _ru_colour(rng, background)
    pick = rng.random()
    if pick < 0.78:
        return f"на {inflect(colour, 'prep')} фоне"
    if pick < 0.92:
        return f", {inflect(colour, 'm')} фон"
    return f"на фоне {inflect(colour, 'gen')} цвета"


def _article(phrase: str) -> str:
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _en_thing(rng: random.Random, thing: Thing, coloured: bool = True, size: str = "", article: bool = True) -> str:
    words = [rng.choice(EN_SIZES[size])] if size else []
    if coloured:
        words.append(_first(rng, EN_COLOURS[thing.colour]))
    nouns = EN_NOUNS[thing.shape]
    words.append((nouns[0] if rng.random() < 0.55 else rng.choice(nouns))[0])
    phrase = " ".join(words)
    return _article(phrase) if article else phrase


def _en_count(rng: random.Random, thing: Thing, count: int, coloured: bool) -> str:
    nouns = EN_NOUNS[thing.shape]
    plural = (nouns[0] if rng.random() < 0.55 else rng.choice(nouns))[1]
    number = str(count) if rng.random() < 0.12 else {2: "two", 3: "three"}[count]
    colour = [_first(rng, EN_COLOURS[thing.colour])] if coloured else []
    return " ".join([number, *colour, plural])


def _en_background(rng: random.Random, background: str) -> str:
    if background in SCENES:
        return _first(rng, SCENE_PHRASES["en"][background], 0.3)
    colour = _first(rng, EN_COLOURS[background])
    pick = rng.random()
    if pick < 0.72:
        return f"on {_article(colour)} background"
    if pick < 0.84:
        return f"against {_article(colour)} background"
    return f", {colour} background"


def _assemble(rng: random.Random, subject: str, place: str, background: str) -> str:
    """Joins the parts in one of the usual orders; empty parts vanish, and ", …" parts stay behind the subject."""
    if background.startswith(","):
        parts = [subject, place] if rng.random() < 0.7 else [place, subject]
        return " ".join(p for p in parts if p) + background
    order = rng.choices(("sbp", "spb", "psb", "bsp", "bps"), (0.5, 0.2, 0.12, 0.1, 0.08))[0]
    return " ".join(
        {"s": subject, "b": background, "p": place}[key]
        for key in order
        if {"s": subject, "b": background, "p": place}[key]
    )


def _single(scene: Scene, language: str, rng: random.Random, named: Named) -> str:
    (thing,) = scene.things
    coloured = rng.random() > 0.1
    says_size = rng.random() < (0.05 if scene.size == "medium" else 0.93)
    says_place = rng.random() < (0.1 if scene.position == "centre" else 0.94)
    says_ground = rng.random() > 0.13
    size = scene.size if says_size else ""
    named |= {
        "shape1": thing.shape,
        **({"colour1": thing.colour} if coloured else {}),
        **({"size": size} if size else {}),
    }
    place = rng.choice(POSITION_PHRASES[language][scene.position]) if says_place else ""
    if place:
        named["position"] = scene.position
    prefix = ""
    if language == "ru":
        asks = rng.random() < 0.08
        prefix = rng.choice(("нарисуй ", "изобрази ")) if asks else ""
        subject = _ru_thing(rng, thing, "acc" if asks else "nom", coloured, size)
        ground = _ru_background(rng, scene.background) if says_ground else ""
    else:
        prefix = rng.choice(("draw ", "a picture of ", "paint ")) if rng.random() < 0.08 else ""
        subject = _en_thing(rng, thing, coloured, size, article=rng.random() < 0.7)
        ground = _en_background(rng, scene.background) if says_ground else ""
    if ground:
        named["background"] = scene.background
    return prefix + subject + " " + ground if prefix and not place else _assemble(rng, prefix + subject, place, ground)


def _count(scene: Scene, language: str, rng: random.Random, named: Named) -> str:
    (thing,) = scene.things
    coloured, says_ground = rng.random() > 0.08, rng.random() > 0.15
    named |= {"shape1": thing.shape, "count": str(scene.count), **({"colour1": thing.colour} if coloured else {})}
    speak, ground_of = (_ru_count, _ru_background) if language == "ru" else (_en_count, _en_background)
    ground = ground_of(rng, scene.background) if says_ground else ""
    if ground:
        named["background"] = scene.background
    return _assemble(rng, speak(rng, thing, scene.count, coloured), "", ground)


def _ru_pair(rng: random.Random, scene: Scene, coloured: bool) -> str:
    a, b = scene.things

    def say(thing: Thing, case: str) -> str:
        return _ru_thing(rng, thing, case, coloured)

    if scene.pairing == "above":
        pick = rng.random()
        if pick < 0.45:
            return f"{say(a, 'nom')} над {say(b, 'ins')}"
        if pick < 0.75:
            return f"{say(b, 'nom')} под {say(a, 'ins')}"
        return f"сверху {say(a, 'nom')}, снизу {say(b, 'nom')}"
    pick = rng.random()
    if pick < 0.5:
        return f"{say(a, 'nom')} и {say(b, 'nom')}"
    if pick < 0.66:
        return f"{say(a, 'nom')} слева от {say(b, 'gen')}"
    if pick < 0.8:
        return f"{say(b, 'nom')} справа от {say(a, 'gen')}"
    if pick < 0.9:
        return f"слева {say(a, 'nom')}, справа {say(b, 'nom')}"
    return f"{say(a, 'nom')} рядом с {say(b, 'ins')}"


def _en_pair(rng: random.Random, scene: Scene, coloured: bool) -> str:
    article = rng.random() < 0.75
    a, b = (_en_thing(rng, thing, coloured, article=article) for thing in scene.things)
    if scene.pairing == "above":
        pick = rng.random()
        if pick < 0.5:
            return f"{a} {rng.choice(('above', 'over'))} {b}"
        if pick < 0.8:
            return f"{b} {rng.choice(('below', 'under'))} {a}"
        return f"{a} at the top and {b} at the bottom"
    pick = rng.random()
    if pick < 0.5:
        return f"{a} and {b}"
    if pick < 0.66:
        return f"{a} to the left of {b}"
    if pick < 0.8:
        return f"{b} to the right of {a}"
    if pick < 0.9:
        return f"{a} on the left and {b} on the right"
    return f"{a} {rng.choice(('next to', 'beside'))} {b}"


def _pair(scene: Scene, language: str, rng: random.Random, named: Named) -> str:
    a, b = scene.things
    coloured, says_ground = rng.random() > 0.06, rng.random() > 0.15
    named |= {"shape1": a.shape, "shape2": b.shape, "pairing": scene.pairing}
    if coloured:
        named |= {"colour1": a.colour, "colour2": b.colour}
    subject = _ru_pair(rng, scene, coloured) if language == "ru" else _en_pair(rng, scene, coloured)
    ground = ""
    if says_ground:
        named["background"] = scene.background
        ground = _ru_background(rng, scene.background) if language == "ru" else _en_background(rng, scene.background)
    return _assemble(rng, subject, "", ground)


_IN_STYLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("watercolour", "ru"): ("{}, акварель", "{} акварелью", "акварель: {}", "{}, акварельный рисунок"),
    ("watercolour", "en"): ("{}, watercolour", "{}, watercolor", "a watercolour of {}", "{} in watercolour"),
    ("lines", "ru"): ("{}, линиями", "{}, рисунок линиями", "рисунок линиями: {}", "{}, контур", "{}, набросок"),
    ("lines", "en"): ("{}, line drawing", "a line drawing of {}", "{}, outline", "{}, sketch", "a sketch of {}"),
}


def caption(scene: Scene, language: str, rng: random.Random) -> tuple[str, Named]:
    """A sentence about the scene in "ru" or "en" and the attributes that it names."""
    named: Named = {"kind": scene.kind}
    if scene.kind == "abstract":
        painter = "" if rng.random() < 0.1 else scene.painter
        if painter:
            named["painter"] = painter
        return rng.choice(PAINTER_PHRASES[language][painter]), named
    speak = {"single": _single, "count": _count, "pair": _pair}[scene.kind]
    text = " ".join(speak(scene, language, rng, named).split())
    if scene.style != "flat":
        text = rng.choice(_IN_STYLE[scene.style, language]).format(text)
        named["style"] = scene.style
    return text, named


def captions(scene: Scene, count: int = 8) -> list[str]:
    """`count` different draws of captions of a scene, the languages taking turns; deterministic."""
    rng = random.Random(scene.seed * 7919 + 11)
    return [caption(scene, LANGUAGES[i % 2], rng)[0] for i in range(count)]
