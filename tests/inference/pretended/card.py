"""Graphics cards that are not there: tensors that say `cuda:0` and hold their numbers on the CPU.

Inside `with Cards(...)` everything the program asks of CUDA is answered: what the cards are, how much room they have,
and every operator on their tensors, computed by the CPU under the rules of `rules.py`. What a real card would refuse is
refused: tensors on different devices, mixed number formats, more memory than there is. What makes the host wait for
the card is written down with its place. Kernels, speed, real memory and rounding are not shown.
"""

from __future__ import annotations

import operator
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from tests.inference.pretended import rules

GB = 10**9
SOURCES = str(Path(torch.__file__).parent)
INFERENCE = Path(__file__).parents[3] / "inference"
ALLOWED_ON_THE_HOST = frozenset({"index", "index_put", "index_put_", "_index_put_impl_", "copy_"})
BROKEN = "CUDA error: an illegal memory access was encountered"


class Wait(NamedTuple):
    """The host waited for a card: what for, and the place in `inference/` ("kit.py", "colours")."""

    operator: str
    file: str
    function: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.function}"


@dataclass(eq=False)
class Card:
    """What one card is, and how full. `library` bytes go to cuBLAS and cuDNN at the first product, uncounted by
    torch."""

    total: int = 80 * GB
    major: int = 9
    library: int = 0
    held: int = 0
    peak: int = 0
    library_there: bool = False
    broken: bool = False
    storages: dict[int, list[int]] = field(default_factory=dict)  # by storage: bytes, live tensors

    @property
    def free(self) -> int:
        return self.total - self.held - (self.library if self.library_there else 0)

    def hold(self, tensor: OnCard) -> None:
        storage = tensor.held.untyped_storage()
        key = storage._cdata
        entry = self.storages.setdefault(key, [storage.nbytes(), 0])
        entry[1] += 1
        weakref.finalize(tensor, self.let_go, key).atexit = False
        if entry[1] == 1:
            self.held += entry[0]
            if self.free < 0:
                raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {entry[0]} bytes.")
            self.peak = max(self.peak, self.held)

    def let_go(self, key: int) -> None:
        entry = self.storages[key]
        entry[1] -= 1
        if not entry[1]:
            self.held -= entry[0]
            del self.storages[key]

    def start_libraries(self) -> None:
        if self.library and not self.library_there:
            if self.free < self.library:
                raise RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`")
            self.library_there = True


class OnCard(Tensor):
    """A tensor of a pretended card; `held` has its numbers."""

    held: Tensor
    cards: Cards
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def wrap(cards: Cards, held: Tensor, device: torch.device) -> OnCard:
        with torch.inference_mode(held.is_inference()):  # a wrapper has a version counter where its numbers have one
            made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
                OnCard,
                held.size(),
                strides=held.stride(),
                storage_offset=held.storage_offset(),
                dtype=held.dtype,
                device=device,
            )
        made.held, made.cards = held, cards
        cards.at(device).hold(made)
        return made  # type: ignore[no-any-return]

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cards = next(one.cards for one in _flat((args, kwargs or {})) if isinstance(one, OnCard))
        return cards.run(function, args, kwargs or {})

    # These ask for a device guard, which this build of torch lacks, before they are dispatched.

    def __getitem__(self, index: Any) -> Any:
        return self.cards.compute("index", operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, Tensor) and not isinstance(value, OnCard) and value.dim():
            self.cards.wait("setitem")
        self.cards.compute("index_put_", operator.setitem, (self, index, value), {})

    def contiguous(self, memory_format: torch.memory_format = torch.contiguous_format) -> Any:  # type: ignore[override]
        return self.cards.compute("contiguous", Tensor.contiguous, (self,), {"memory_format": memory_format})

    def copy_(self, source: Tensor, non_blocking: bool = False) -> Any:
        self.cards.note_copy(source, self, non_blocking)
        return self.cards.compute("copy_", Tensor.copy_, (self, source), {})

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() first")

    def tolist(self) -> Any:
        return self.cpu().tolist()


class Moment:
    """A `torch.cuda.Event`; the card's clock is a count of operators, a millisecond each."""

    cards: ClassVar[Cards]

    def __init__(self, enable_timing: bool = False) -> None:
        self.at: int | None = None

    def record(self, stream: object = None) -> None:
        self.at = self.cards.operators

    def synchronize(self) -> None:
        self.cards.synchronize()

    def elapsed_time(self, end: Moment) -> float:
        assert self.at is not None and end.at is not None
        return float(end.at - self.at)


class Cards(TorchDispatchMode):
    """Some cards and what happened on them, as long as the `with` lasts."""

    def __init__(self, *cards: Card) -> None:
        super().__init__()
        self.cards = cards or (Card(),)
        self.current = 0
        self.operators = 0
        self.waits: list[Wait] = []
        self.pinned: weakref.WeakSet[Any] = weakref.WeakSet()
        self._stack = ExitStack()

    def at(self, device: torch.device | str | int | None = None) -> Card:
        """The card of that device; of the present one where no index is given."""
        return self.cards[self.index(device)]

    def index(self, device: torch.device | str | int | None = None) -> int:
        if isinstance(device, int):
            return device
        index = None if device is None else torch.device(device).index
        return self.current if index is None else index

    def __enter__(self) -> Cards:
        for target, name, pretended in self._patches():
            self._stack.enter_context(patch.object(target, name, pretended, create=True))
        self._stack.enter_context(patch.dict(os.environ, {"HF_DEACTIVATE_ASYNC_LOAD": "1"}))  # a mode has one thread
        self._stack.enter_context(_settings())
        Moment.cards = self
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        self._stack.close()

    def _patches(self) -> Iterator[tuple[Any, str, Any]]:
        cuda = torch.cuda
        yield cuda, "_lazy_init", lambda: None
        yield cuda, "is_available", lambda: True
        yield cuda, "is_initialized", lambda: True
        yield cuda, "device_count", lambda: len(self.cards)
        yield cuda, "current_device", lambda: self.current
        yield cuda, "set_device", self._set_device
        yield cuda, "get_device_properties", self._properties
        yield cuda, "is_bf16_supported", lambda including_emulation=True: self.at().major >= 8
        yield cuda, "mem_get_info", lambda device=None: (self.at(device).free, self.at(device).total)
        yield cuda, "memory_allocated", lambda device=None: self.at(device).held
        yield cuda, "memory_reserved", lambda device=None: self.at(device).held
        yield cuda, "empty_cache", lambda: None
        yield cuda, "synchronize", self.synchronize
        yield cuda, "Event", Moment

    def _set_device(self, device: torch.device | str | int) -> None:
        self.current = self.index(device)

    def _properties(self, device: torch.device | str | int | None = None) -> SimpleNamespace:
        if self.index(device) >= len(self.cards):
            raise AssertionError("Invalid device id")
        card = self.at(device)
        return SimpleNamespace(name="pretended", total_memory=card.total, major=card.major, minor=0)

    def synchronize(self, device: Any = None) -> None:
        self.wait("synchronize")
        if any(card.broken for card in self.cards):
            raise torch.AcceleratorError(BROKEN)

    # Operators

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.run(function, args, kwargs or {})

    def run(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """One operator of ATen: on the CPU as it is, on a card by its rules."""
        name = function._schema.name.removeprefix("aten::")
        place = _device_argument(function)
        given = dict(zip((argument.name for argument in function._schema.arguments), args, strict=False)) | kwargs
        wanted = None if place is None or given.get("device") is None else torch.device(given["device"])
        if name == "is_pinned":
            return args[0] in self.pinned
        pin = kwargs.get("pin_memory") or name == "_pin_memory"
        if pin:
            made = args[0].clone() if name == "_pin_memory" else function(*args, **{**kwargs, "pin_memory": False})
            self.pinned.add(made)
            return made
        if wanted is not None and wanted.type == "cuda":
            wanted = torch.device("cuda", self.index(wanted))
        elif not any(isinstance(one, OnCard) for one in _flat((args, kwargs))):
            return function(*args, **kwargs)
        if place is not None and wanted is not None:
            args, kwargs = _with_device(args, kwargs, place, torch.device("cpu" if wanted.type == "cuda" else wanted))
        if name in ("_to_copy", "to", "copy_"):
            return self._moved(name, function, args, kwargs, given, wanted)
        return self.compute(name, function, args, kwargs, wanted)

    def compute(
        self, name: str, function: Callable[..., Any], args: Any, kwargs: Any, wanted: torch.device | None = None
    ) -> Any:
        """What `function` answers on the card where its tensors are, or on `wanted`."""
        device = self._one_device(name, args, kwargs) or wanted
        card = self.at(device)
        if card.broken:
            raise torch.AcceleratorError(BROKEN)
        self.operators += 1
        if name in rules.PRODUCTS:
            card.start_libraries()
        if name in rules.WAITING or (name == "index" and _has_mask(args[1])):
            self.wait(name)
        with _disable_current_modes():
            bare = rules.apply(name, _bare(args), kwargs)
            answer = function(*bare, **_bare(kwargs))
            return self._wrapped(answer, (args, kwargs), device)

    def _moved(
        self, name: str, function: Any, args: Any, kwargs: Any, given: dict[str, Any], wanted: torch.device | None
    ) -> Any:
        """A copy, between devices or not."""
        source = args[1] if name == "copy_" or isinstance(given.get("other"), Tensor) else args[0]
        source, goal = (args[1], args[0]) if name == "copy_" else (args[0], wanted or args[0].device)
        if isinstance(given.get("other"), Tensor):
            goal = given["other"].device
        self.note_copy(source, goal, bool(given.get("non_blocking")))
        self.operators += 1
        device = goal.device if isinstance(goal, Tensor) else torch.device(goal)
        with _disable_current_modes():
            answer = function(*_bare(args), **_bare(kwargs))
            if name != "copy_" and device != source.device and any(answer is _held(one) for one in _flat(args)):
                answer = answer.clone()
            return self._wrapped(answer, (args, kwargs), device if device.type == "cuda" else None)

    def _wrapped(self, answer: Any, given: Any, device: torch.device | None) -> Any:
        """An answer with its tensors on a card; one that was an argument stays that very tensor."""
        if isinstance(answer, (list, tuple)):
            return type(answer)(self._wrapped(one, given, device) for one in answer)  # type: ignore[call-arg]
        if not isinstance(answer, Tensor):
            return answer
        for one in _flat(given):
            if answer is _held(one):
                assert one.shape == answer.shape, "an operator changed the shape of its argument in place"
                return one
        return answer if device is None else OnCard.wrap(self, answer, device)

    def _one_device(self, name: str, args: Any, kwargs: Any) -> torch.device | None:
        tensors = [one for one in _flat((args, kwargs)) if isinstance(one, Tensor)]
        devices = {one.device for one in tensors if isinstance(one, OnCard)}
        strangers = [] if name in ALLOWED_ON_THE_HOST else [t for t in tensors if not isinstance(t, OnCard) and t.dim()]
        if len(devices) > 1 or (devices and strangers):
            found = sorted({str(one.device) for one in (*tensors, *strangers)})
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, but found {found}")
        return next(iter(devices), None)

    # Waiting

    def note_copy(self, source: Tensor, goal: Tensor | torch.device | str, non_blocking: bool) -> None:
        """Copies from card to host end when they are done, those to the card at once if they may."""
        device = goal.device if isinstance(goal, Tensor) else torch.device(goal)
        if source.device.type == "cuda" and device.type == "cpu":
            self.wait("copy to the host")
        elif source.device.type == "cpu" and device.type == "cuda" and not non_blocking:
            self.wait("copy to the card")

    def wait(self, name: str) -> None:
        frame: Any = sys._getframe(1)
        while frame is not None and not frame.f_code.co_filename.startswith(str(INFERENCE)):
            frame = frame.f_back
        if frame is not None:
            file = Path(frame.f_code.co_filename).relative_to(INFERENCE)
            self.waits.append(Wait(name, str(file), frame.f_code.co_name))


@contextmanager
def _settings() -> Iterator[None]:
    """What torch needs so that nothing reaches for the CUDA it was not built with."""
    tf32 = torch.backends.cudnn.allow_tf32
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(…, device=…) is dispatched
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # else nets set `.data`, which is not
    torch.backends.cudnn.allow_tf32 = True  # torch's default, whatever ran before
    try:
        yield
    finally:
        torch._C._set_only_lift_cpu_tensors(False)
        torch.__future__.set_overwrite_module_params_on_conversion(False)
        torch.backends.cudnn.allow_tf32 = tf32


@cache
def _device_argument(function: Any) -> int | None:
    """Where among its arguments an operator takes a device."""
    names = [argument.name for argument in function._schema.arguments]
    return names.index("device") if "device" in names else None


def _with_device(args: Any, kwargs: Any, place: int, device: torch.device) -> tuple[Any, Any]:
    if place < len(args):
        return (*args[:place], device, *args[place + 1 :]), kwargs
    return args, {**kwargs, "device": device}


def _flat(given: Any) -> Iterator[Any]:
    if isinstance(given, (list, tuple)):
        for one in given:
            yield from _flat(one)
    elif isinstance(given, dict):
        yield from _flat(tuple(given.values()))
    else:
        yield given


def _bare(given: Any) -> Any:
    if isinstance(given, OnCard):
        return given.held
    if isinstance(given, (list, tuple)):
        return type(given)(map(_bare, given)) if type(given) in (list, tuple) else given
    return {name: _bare(one) for name, one in given.items()} if isinstance(given, dict) else given


def _held(one: Any) -> Any:
    return one.held if isinstance(one, OnCard) else one


def _has_mask(index: Any) -> bool:
    return any(isinstance(one, Tensor) and one.dtype in (torch.bool, torch.uint8) for one in _flat(index))
