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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
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
INFERENCE = Path(__file__).parents[3] / "inference"
ALLOWED_ON_THE_HOST = frozenset({"index", "index_put", "index_put_", "_index_put_impl_", "copy_"})
BROKEN = "CUDA error: an illegal memory access was encountered"


class Wait(NamedTuple):
    """The host waited for a card: what for, and the place in `inference/` ("families/kandinsky/kit.py", "colours")."""

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
        # A wrapper has a version counter where its numbers have one.
        same = held.is_inference() == torch.is_inference_mode_enabled()
        with nullcontext() if same else torch.inference_mode(held.is_inference()):
            made = torch.Tensor._make_wrapper_subclass(
                OnCard, held.size(), held.stride(), held.storage_offset(), dtype=held.dtype, device=device
            )
        made.held, made.cards = held, cards
        cards.at(device).hold(made)
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        cards = next(one.cards for one in _flat((*args, *kwargs.values())) if isinstance(one, OnCard))
        return cards.run(function, args, kwargs)

    # These ask for a device guard, which this build of torch lacks, before they are dispatched.

    def __getitem__(self, index: Any) -> Any:
        return self.cards.directly("index", operator.getitem, self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, Tensor) and not isinstance(value, OnCard) and value.dim():
            self.cards.wait("setitem")
        self.cards.directly("index_put_", operator.setitem, self, index, value)

    def contiguous(self, memory_format: torch.memory_format = torch.contiguous_format) -> Any:
        return self.cards.directly("contiguous", Tensor.contiguous, self, memory_format=memory_format)

    def copy_(self, source: Tensor, non_blocking: bool = False) -> Any:
        if non_blocking and _storage(source) in self.cards.pinned:
            self.cards.under_way.append((self.held, source))
            return self
        self.cards.note_copy(source, self, non_blocking)
        return self.cards.directly("copy_", Tensor.copy_, self, source)

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() first")

    def tolist(self) -> Any:
        return self.cpu().tolist()


class Moment:
    """A `torch.cuda.Event`; the card's clock is a count of operators, a millisecond each."""

    cards: ClassVar[Cards]

    def __init__(self, enable_timing: bool = False) -> None:
        self.at: int | None = None
        self.copies = 0

    def record(self, stream: object = None) -> None:
        self.at, self.copies = self.cards.operators, self.cards.copied + len(self.cards.under_way)

    def synchronize(self) -> None:
        self.cards.synchronize(self.copies)

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
        self.pinned: dict[int, Tensor] = {}
        self.under_way: list[tuple[Tensor, Tensor]] = []  # copies from pinned RAM, made as late as they may be
        self.copied = 0
        self.relaid = 0  # maps that a group norm had to copy into another layout
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

    def synchronize(self, copies: int | None = None) -> None:
        self.finish_copies(copies if isinstance(copies, int) else None)
        self.wait("synchronize")
        if any(card.broken for card in self.cards):
            raise torch.AcceleratorError(BROKEN)

    # Operators

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.run(function, args, kwargs or {})

    def run(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """One operator of ATen: on the CPU as it is, on a card by its rules."""
        name, names, place = _described(function)
        given = _flat((*args, *kwargs.values()))
        if name == "_has_compatible_shallow_copy_type":  # asked when a net moves
            return True
        if name == "is_pinned":
            return _storage(args[0]) in self.pinned
        if kwargs.get("pin_memory"):
            made = function(*args, **{**kwargs, "pin_memory": False})
            self.pinned[_storage(made)] = made
            return made
        wanted = None
        if place is not None:
            stated = args[place] if place < len(args) else kwargs.get("device")
            wanted = None if stated is None else torch.device(stated)
        if wanted is not None and wanted.type == "cuda":
            wanted = torch.device("cuda", self.index(wanted))
        elif not any(type(one) is OnCard for one in given):
            return function(*args, **kwargs)
        if place is not None and wanted is not None:
            args, kwargs = _with_device(args, kwargs, place, torch.device("cpu" if wanted.type == "cuda" else wanted))
        if name in ("_to_copy", "to", "copy_"):
            return self._moved(name, function, args, kwargs, dict(zip(names, args, strict=False)) | kwargs, wanted)
        return self.compute(name, function, args, kwargs, given, wanted)

    def compute(
        self,
        name: str,
        function: Callable[..., Any],
        args: Any,
        kwargs: Any,
        given: Sequence[Any] | None = None,
        wanted: torch.device | None = None,
    ) -> Any:
        """What `function` answers on the card where its tensors are, or on `wanted`."""
        given = _flat((*args, *kwargs.values())) if given is None else given
        device = self._one_device(name, given) or wanted
        card = self.at(device)
        if card.broken:
            raise torch.AcceleratorError(BROKEN)
        self.operators += 1
        self.finish_copies()
        if name in rules.PRODUCTS:
            card.start_libraries()
        if name in rules.WAITING or (name == "index" and _has_mask(args[1])):
            self.wait(name)
        bare = _bare(args)
        self.relaid += name.endswith("group_norm") and not bare[0].is_contiguous()
        bare = rules.apply(name, bare)
        answer = function(*bare, **(_bare(kwargs) if kwargs else kwargs))
        return self._wrapped(answer, given, device)

    def directly(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`compute` for what is no dispatch."""
        with _disable_current_modes():
            return self.compute(name, function, args, kwargs)

    def _moved(
        self, name: str, function: Any, args: Any, kwargs: Any, given: dict[str, Any], wanted: torch.device | None
    ) -> Any:
        """A copy, between devices or not."""
        goal: Tensor | torch.device = wanted or args[0].device
        source, like = args[0], given.get("other")
        if name == "copy_":
            goal, source = args[0], args[1]
        elif isinstance(like, Tensor):
            goal = like.device
        self.note_copy(source, goal, bool(given.get("non_blocking")))
        self.operators += 1
        self.finish_copies()
        device = goal.device if isinstance(goal, Tensor) else goal
        answer = function(*_bare(args), **_bare(kwargs))
        if name != "copy_" and device != source.device and answer is _held(source):
            answer = answer.clone()
        return self._wrapped(answer, args, device if device.type == "cuda" else None)

    def _wrapped(self, answer: Any, given: Sequence[Any], device: torch.device | None) -> Any:
        """An answer with its tensors on a card; one that was an argument stays that very tensor."""
        if isinstance(answer, (list, tuple)):
            return type(answer)(self._wrapped(one, given, device) for one in answer)
        if not isinstance(answer, Tensor):
            return answer
        for one in given:
            if answer is _held(one):
                assert one.shape == answer.shape, "an operator changed the shape of its argument in place"
                return one
        return answer if device is None else OnCard.wrap(self, answer, device)

    def _one_device(self, name: str, given: Sequence[Any]) -> torch.device | None:
        found: torch.device | None = None
        for one in given:
            if type(one) is OnCard:
                if found is not None and one.device != found:
                    raise RuntimeError(f"{name}: expected all tensors to be on the same device: {found}, {one.device}")
                found = one.device
        if found is not None and name not in ALLOWED_ON_THE_HOST:
            for one in given:
                if isinstance(one, Tensor) and type(one) is not OnCard and one.dim():
                    raise RuntimeError(f"{name}: expected all tensors to be on the same device: {found}, cpu")
        return found

    # Waiting

    def note_copy(self, source: Tensor, goal: Tensor | torch.device | str, non_blocking: bool) -> None:
        """Copies from card to host end when they are done, those to the card at once if they may."""
        device = goal.device if isinstance(goal, Tensor) else torch.device(goal)
        if source.device.type == "cuda" and device.type == "cpu":
            self.wait("copy to the host")
        elif source.device.type == "cpu" and device.type == "cuda" and not non_blocking:
            self.wait("copy to the card")

    def finish_copies(self, until: int | None = None) -> None:
        """Makes the copies that are under way, the first `until` of all."""
        while self.under_way and (until is None or self.copied < until):
            goal, source = self.under_way.pop(0)
            with _disable_current_modes():
                goal.copy_(source)
            self.copied += 1

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
def _described(function: Any) -> tuple[str, tuple[str, ...], int | None]:
    """The name of an operator, those of its arguments, and which of them is a device."""
    names = tuple(argument.name for argument in function._schema.arguments)
    name = function._schema.name.removeprefix("aten::")
    return name, names, names.index("device") if "device" in names else None


def _with_device(args: Any, kwargs: Any, place: int, device: torch.device) -> tuple[Any, Any]:
    if place < len(args):
        return (*args[:place], device, *args[place + 1 :]), kwargs
    return args, {**kwargs, "device": device}


def _flat(given: Sequence[Any]) -> list[Any]:
    """Arguments with those of lists among them."""
    flat: list[Any] = []
    for one in given:
        if isinstance(one, (list, tuple)):
            flat += _flat(one)
        else:
            flat.append(one)
    return flat


def _bare(given: Any) -> Any:
    """Arguments with the numbers themselves in the place of tensors on cards."""
    kind = type(given)
    if kind is OnCard:
        return given.held
    if kind in (list, tuple):
        return kind(map(_bare, given))
    return {name: _bare(one) for name, one in given.items()} if kind is dict else given


def _held(one: Any) -> Any:
    return one.held if type(one) is OnCard else one


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _has_mask(index: Any) -> bool:
    return any(isinstance(one, Tensor) and one.dtype in (torch.bool, torch.uint8) for one in _flat([index]))
