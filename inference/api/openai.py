"""The images API of OpenAI, as its own clients speak it: https://platform.openai.com/docs/api-reference/images.

Beside it two routes of our own: enlarging a picture, and the queue as the caller may see it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel

from inference.api.bodies import Bodies, Form
from inference.api.errors import ApiError, wrong
from inference.api.fields import (
    MODELS,
    Edit,
    Generation,
    Output,
    Upscale,
    Variation,
    check_output,
    quality_of,
    read_form,
    read_json,
)
from inference.api.house import Caller, Drawn, Format, House, Once, Order
from inference.api.streaming import streamed
from inference.api.wishes import File, Wish
from inference.requests import MAX_SOURCES, ModelCard

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
OWNED_BY = "kandinsky-studio"
_ONCE = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Look:
    """How an answer is to look. `events` are what those of a stream are called, `partials` how many previews it may
    have; None where it is no stream."""

    kind: Format = "png"
    compression: int = 90
    quality: str = "auto"
    partials: int | None = None
    events: Literal["image_generation", "image_edit"] = "image_generation"


@dataclass(frozen=True)
class Images:
    """The handlers."""

    house: House
    bodies: Bodies

    async def models(self, request: web.Request) -> web.Response:
        """All models, in the form of OpenAI and in that of KServe's V1 protocol."""
        card = self.house.card
        data = [model(name, card) for name in names(card)]
        return web.json_response({"object": "list", "data": data, "models": [one["id"] for one in data]})

    async def model(self, request: web.Request) -> web.Response:
        """One of them."""
        card, ready = self.house.card, self.house.ready
        name = model_asked(request, card)
        return web.json_response({**model(name, card), "name": name, "ready": ready}, status=200 if ready else 503)

    async def generations(self, request: web.Request) -> web.StreamResponse:
        """A picture from words."""
        asked = read_json(Generation, await self.bodies.json(request))
        wish = Wish("draw", prompt=asked.prompt, **_drawn(asked))
        return await self._answer(request, wish, _look(asked), _asked(request, asked))

    async def edits(self, request: web.Request) -> web.StreamResponse:
        """A picture drawn anew by words, several mixed, or what a mask leaves open painted anew."""
        async with self.bodies.form(request) as form:
            asked = read_form(Edit, form.fields)
            images, mask = _files(form, ("image", "image[]"), most=MAX_SOURCES, mask=True)
            if mask is not None and len(images) > 1:
                raise wrong("mask", "A mask goes with one picture.")
            await self._make_room(request, images)
            wish = Wish("edit", prompt=asked.prompt, images=images, mask=mask, strength=asked.strength, **_drawn(asked))
            return await self._answer(
                request, wish, _look(asked, "image_edit"), _asked(request, asked, images, mask), form
            )

    async def variations(self, request: web.Request) -> web.StreamResponse:
        """Pictures like one."""
        async with self.bodies.form(request) as form:
            asked = read_form(Variation, form.fields)
            check_output(asked)
            images, _mask = _files(form, ("image",), most=1)
            await self._make_room(request, images)
            wish = Wish(
                "vary",
                images=images,
                count=asked.n or 1,
                size=asked.pixels,
                seed=asked.seed,
                strength=asked.strength,
                quality=quality_of(asked.model, None),
            )
            return await self._answer(request, wish, Look(), _asked(request, asked, images), form)

    async def upscales(self, request: web.Request) -> web.StreamResponse:
        """A picture enlarged: a route of our own."""
        async with self.bodies.form(request) as form:
            asked = read_form(Upscale, form.fields)
            images, _mask = _files(form, ("image",), most=1)
            await self._make_room(request, images)
            quality = quality_of(asked.model, asked.quality)
            wish = Wish("enlarge", images=images, factor=asked.factor or 2, seed=asked.seed, quality=quality)
            compression = 90 if asked.output_compression is None else max(1, asked.output_compression)
            look = Look(asked.output_format or "png", compression, asked.quality or "auto")
            return await self._answer(request, wish, look, _asked(request, asked, images), form)

    async def queue(self, request: web.Request) -> web.Response:
        """The queue: a route of our own."""
        return web.json_response(asdict(await self.house.line(request[CALLER])))

    async def _make_room(self, request: web.Request, images: Sequence[File]) -> None:
        await self.house.make_room(request[CALLER], sum(image.size for image in images))

    async def _answer(
        self, request: web.Request, wish: Wish, look: Look, once: Once | None, form: Form | None = None
    ) -> web.StreamResponse:
        async with self.house.ordered(request[CALLER], wish, once) as order:
            if look.partials is not None:
                return await streamed(request, order, look.partials, look.events, lambda drawn: self._each(drawn, look))
            drawn = await order.drawn()
            return web.json_response(await self._body(drawn, look), headers=job_header(order))

    async def _body(self, drawn: Drawn, look: Look) -> dict[str, Any]:
        first = drawn.pictures[0]
        return {
            "created": int(drawn.created),
            "background": "opaque",
            "output_format": look.kind,
            "quality": look.quality,
            "size": f"{first.width}x{first.height}",
            "data": [
                {"b64_json": each["b64_json"], "revised_prompt": each["revised_prompt"], "seed": each["seed"]}
                for each in await self._each(drawn, look)
            ],
        }

    async def _each(self, drawn: Drawn, look: Look) -> list[dict[str, Any]]:
        """What is told of every picture."""
        return [
            {
                "b64_json": base64.b64encode(await self.house.file(picture, look.kind, look.compression)).decode(),
                "revised_prompt": picture.words,
                "seed": picture.seed,
                "created_at": int(drawn.created),
                "background": "opaque",
                "output_format": look.kind,
                "quality": look.quality,
                "size": f"{picture.width}x{picture.height}",
            }
            for picture in drawn.pictures
        ]


def names(card: ModelCard | None) -> list[str]:
    """The models that can draw by words; all while nobody knows."""
    if card is None:
        return list(MODELS)
    return [name for name, kind in MODELS.items() if kind is None or kind in card.kinds]


def model_asked(request: web.Request, card: ModelCard | None) -> str:
    """The model that the path of a request names. Raises ApiError where that is none."""
    name: str = request.match_info["model"]
    if name not in names(card):
        raise ApiError(404, "model_not_found", f"There is no such model here; there is {', '.join(names(card))}.")
    return name


def model(name: str, card: ModelCard | None) -> dict[str, Any]:
    """What is told of a model: what its weights are called, what they can do, and the sizes of pictures from words."""
    told: dict[str, Any] = {"id": name, "object": "model", "created": 0, "owned_by": OWNED_BY}
    if card is not None:
        kind: str = MODELS[name] or next((kind for kind in ("flash", "full") if kind in card.kinds), "flash")
        sizes = [f"{width}x{height}" for width, height in card.of(kind).sizes.values()]
        told |= {"label": card.label.en, "kinds": list(card.kinds), "sizes": sizes}
    return told


def job_header(order: Order) -> dict[str, str]:
    return {"x-job-id": str(order.job)}


def once_of(request: web.Request, asked: Any) -> Once | None:
    """What makes this request one with another; None where it says nothing of that. Raises ApiError."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _ONCE.fullmatch(key):
        raise ApiError(
            400, "invalid_idempotency_key", "An Idempotency-Key has 1 to 255 characters of ASCII, no spaces."
        )
    told = json.dumps([request.method, request.path, asked], sort_keys=True)
    return Once(key, hashlib.sha256(told.encode()).hexdigest())


def _asked(
    request: web.Request, fields: BaseModel, images: Sequence[File] = (), mask: File | None = None
) -> Once | None:
    files = [image.digest for image in images], mask.digest if mask is not None else None
    return once_of(request, [fields.model_dump(mode="json"), *files])


def _drawn(asked: Output) -> dict[str, Any]:
    """The fields of a wish that is drawn by words, in which styles of OpenAI's own are none."""
    check_output(asked)
    return {**asked.wished, "style": None if asked.style in ("vivid", "natural") else asked.style}


def _look(asked: Output, events: Literal["image_generation", "image_edit"] = "image_generation") -> Look:
    partials = (asked.partial_images or 0) if asked.stream else None
    return Look(asked.kind, asked.compression, asked.quality or "auto", partials, events)


def _files(
    form: Form, names: tuple[str, ...], *, most: int, mask: bool = False
) -> tuple[tuple[File, ...], File | None]:
    """The pictures of a form, at least one, and its mask. Raises ApiError."""
    images = tuple(file for name, file in form.files if name in names)
    masks = [file for name, file in form.files if mask and name == "mask"]
    other = next((name for name, _file in form.files if name not in (*names, *(("mask",) if mask else ()))), None)
    if other is not None:
        raise wrong(other, f"Unknown file: {other!r}.", "unknown_parameter")
    if not images:
        raise wrong("image", "Missing required file: 'image'.", "missing_required_parameter")
    if len(images) > most or len(masks) > 1:
        raise wrong("image" if len(images) > most else "mask", f"At most {most} can be given.", "too_many_files")
    return images, masks[0] if masks else None
