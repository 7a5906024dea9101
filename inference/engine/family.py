"""What the studio must know of a family of models. No torch here: a worker tells what can be drawn without any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.queue.options import WorkerOptions
from inference.requests import ModelCard

if TYPE_CHECKING:
    from inference.engine.kit import Kit
    from inference.engine.nets import Nets
    from inference.engine.policy import DevicePolicy


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a family works: the process that owns the device.

    Nets are registered among `nets`. `read_blob(digest)` gives the bytes of a picture that a request works from.
    `before_long(what)` is called before something that may take minutes where there is no GPU.
    """

    options: WorkerOptions
    policy: DevicePolicy
    nets: Nets
    read_blob: Callable[[str], bytes]
    before_long: Callable[[str], None] = lambda what: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Models that share asks, nets and pipelines, and draw the requests of these `kinds`.

    `formats` names the nets whose number formats an owner may choose; families may share such a name.
    `offer(options, card)` adds what its files on disk can do to what the families before it offer; None is nothing at
    all. `open(place)` makes it ready to work and may raise MissingWeights.
    """

    name: str
    kinds: tuple[str, ...]
    offer: Callable[[WorkerOptions, ModelCard | None], ModelCard | None]
    open: Callable[[Place], Kit]
    formats: tuple[str, ...] = ()


def registry(*families: Family) -> tuple[Family, ...]:
    """The families, once each name and each kind of request is one family's alone. Raises ValueError."""
    for claimed in ([family.name for family in families], [kind for family in families for kind in family.kinds]):
        if twice := [name for name, times in Counter(claimed).items() if times > 1]:
            raise ValueError(f"claimed by two families: {', '.join(twice)}")
    return families


def card_of(families: Iterable[Family], options: WorkerOptions) -> ModelCard | None:
    """What a worker with these options can draw; None where that is nothing."""
    card = None
    for family in families:
        card = family.offer(options, card)
    return card
