"""What a machine has and what could be had there, as `python -m inference survey` tells whoever may not ask torch."""

from __future__ import annotations

from inference.requests import Contract


class Device(Contract):
    """Something that draws. `name` is what DEVICE calls it, `label` what people do; `memory` and `free` are bytes, None
    where they are not counted. On one that is `large` the text encoder computes too, elsewhere on the CPU."""

    name: str
    label: str
    memory: int | None = None
    free: int | None = None
    large: bool = True


class Net(Contract):
    """A net of the released model: bytes still `to_fetch` and, once it is converted, to `hold` on disk and device."""

    to_fetch: int
    hold: int


class Survey(Contract):
    """`lacks` names a library that is not installed: nothing draws here without. `modes` are the kinds that weights can
    be fetched for, with the nets that each needs; `ready` are those whose weights are in place. `ram` are the bytes
    that programs can still take."""

    lacks: str | None
    devices: tuple[Device, ...]
    ram: int
    nets: dict[str, Net]
    modes: dict[str, tuple[str, ...]]
    ready: tuple[str, ...]
