"""Language models at the engine's service: loaded when first asked for, moved as memory demands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import torch

from inference.engine.kit import Kit, PipelineSpec
from inference.engine.nets import Nets, NetSpec
from inference.engine.policy import DevicePolicy
from inference.families.language.asks import Write, Written
from inference.families.language.files import LanguageModels
from inference.families.language.model import ACTIVATIONS, Scribe
from inference.families.language.pipelines import PIPELINES
from inference.requests import Request


class LanguageKit(Kit):
    """The language models that were found, which it registers among `nets`."""

    def __init__(self, models: LanguageModels, policy: DevicePolicy, nets: Nets) -> None:
        self._models, self._policy, self._nets = models, policy, nets
        self._scribe = Scribe(models, lambda net: nets.require(net, None))
        nets.register(self._specs(policy))

    @property
    def pipelines(self) -> dict[type[Request], PipelineSpec]:
        return PIPELINES

    def answer(self, asks: Sequence[Any], *, room: int, lean: bool) -> list[object]:
        return [self.write(ask) for ask in asks]

    def nets_for(self, ask: Any) -> tuple[str, ...]:
        return (self.named(self._scribe.net_of(ask.task)),)

    def takes(self, kind: str) -> tuple[str, ...]:
        return tuple(self.named(self._scribe.net_of(task)) for task in self._models.found if task == kind)

    def named(self, net: str) -> str:
        return self._nets.named(net)

    @cached_property
    def in_float32(self) -> Kit | None:
        if _format(self._policy) is torch.float32:
            return None
        return LanguageKit(self._models, replace(self._policy, whole=True), self._nets.aside(" in float32"))

    def leave(self) -> None:
        super().leave()
        self._nets.drop()

    def forget(self) -> None:
        self._scribe.forget()

    def write(self, ask: Write) -> Written:
        """A few more tokens of a language model's answer."""
        return self._scribe.write(ask)

    def _specs(self, policy: DevicePolicy) -> Iterator[NetSpec]:
        for name, model in self._scribe.nets.items():
            yield NetSpec(
                name=name,
                bytes=model.bytes,
                load=partial(self._scribe.load, name, _format(policy)),
                device=policy.large_device,
                activations=lambda net, _: ACTIVATIONS,
                moves=self._scribe.moves(name),
                dtype=_format(policy),
            )


def _format(policy: DevicePolicy) -> torch.dtype:
    return policy.format_of("text", policy.large_half)
