"""All routes, and what happens around every one of them: a number for the request, whose key it is, a place to work in,
and an answer in the form of its protocol whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from inference.api.bodies import Bodies
from inference.api.errors import REFUSED, ApiError, answer_to
from inference.api.house import House
from inference.api.kserve import Predictions
from inference.api.openai import CALLER, Images

log = logging.getLogger(__name__)

REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
FREE = ("/health", "/v2/health/live", "/v2/health/ready")  # what anybody may ask
MOST_KEY = 256

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Answered:
    """What became of a request: the template of its `route` (ELSEWHERE for an address that is none), the `status` of
    the answer (None where the client has gone), the code of what was `refused`, also in the middle of a stream, and the
    seconds that it took. None of it takes a value that a client makes up."""

    route: str
    status: int | None
    refused: str | None
    seconds: float


Heard = Callable[[Answered], None]


@dataclass(frozen=True)
class Bounds:
    """How much of the program is held by clients: `connections` that are open, requests worked on `at_once`, those of
    one person, and seconds that a body may take to come and an answer to be read."""

    connections: int = 256
    at_once: int = 64
    of_one: int = 8
    body_seconds: float = 120.0
    answer_seconds: float = 120.0


def application(house: House, bounds: Bounds | None = None, heard: Heard | None = None) -> web.Application:
    """The door as an application of aiohttp, to be served by `inference.api.serving`; `heard` is told of every
    request."""
    bounds = bounds or Bounds()
    around = Around(house, bounds, heard)
    app = web.Application(middlewares=[around.heard, around.answered, around.known, around.placed])
    app.on_response_prepare.append(_with_number)
    bodies = Bodies(house, bounds.body_seconds)
    images, predictions = Images(house, bodies), Predictions(house, bodies)
    app.add_routes(
        [
            web.get("/health", _health),
            web.get("/v1/models", images.models),
            web.get("/v1/models/{model:[^/:]+}", images.model),
            web.post("/v1/models/{model:[^/:]+}:predict", predictions.predict),
            web.post("/v1/images/generations", images.generations),
            web.post("/v1/images/edits", images.edits),
            web.post("/v1/images/variations", images.variations),
            web.post("/v1/images/upscales", images.upscales),
            web.get("/v1/queue", images.queue),
            web.get("/v2", predictions.server),
            web.get("/v2/health/live", predictions.live),
            web.get("/v2/health/ready", predictions.ready),
            web.get("/v2/models/{model:[^/:]+}", predictions.metadata),
            web.get("/v2/models/{model:[^/:]+}/ready", predictions.model_ready),
            web.post("/v2/models/{model:[^/:]+}/infer", predictions.infer),
        ]
    )
    return app


class Around:
    """State: how many requests are being worked on, in all and by person."""

    def __init__(self, house: House, bounds: Bounds, heard: Heard | None) -> None:
        self._house = house
        self._bounds = bounds
        self._heard = heard or (lambda _answered: None)
        self._working: Counter[int] = Counter()

    @web.middleware
    async def heard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Tells what became of the request."""
        began, status = time.perf_counter(), None
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            resource = request.match_info.route.resource
            route = ELSEWHERE if resource is None else resource.canonical
            self._heard(Answered(route, status, request.get(REFUSED), time.perf_counter() - began))

    @web.middleware
    async def answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Gives the request a number, and sends an answer whatever happens; a client that does not read it in time is
        left."""
        request[REQUEST_ID] = f"req_{secrets.token_hex(12)}"
        try:
            response = await handler(request)
        except ApiError as error:
            response = _refusal(request, error)
            log.info("%s: %s %s: %s", request[REQUEST_ID], request.method, request.path, error)
        except web.HTTPException as refused:
            response = _refusal(request, _of_aiohttp(refused))
        except (asyncio.CancelledError, ConnectionResetError):
            log.info("%s: %s %s: the client has gone", request[REQUEST_ID], request.method, request.path)
            raise
        except Exception:
            log.exception("%s: %s %s", request[REQUEST_ID], request.method, request.path)
            response = _refusal(request, ApiError(500, "internal", "Something went wrong here."))
        if not request.content.at_eof():
            response.force_close()  # nobody reads the rest
        return response

    @web.middleware
    async def known(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets in whoever has a key, before anything else is looked at."""
        if request.path not in FREE or request.method != hdrs.METH_GET:
            request[CALLER] = await self._house.caller(_key(request), request.remote or "")
        return await handler(request)

    @web.middleware
    async def placed(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Holds a place until the answer has been read, so that slow clients hold no more than theirs."""
        if CALLER not in request:
            return await handler(request)
        person, bounds = request[CALLER].id, self._bounds
        if self._working[person] >= bounds.of_one:
            raise ApiError(
                429, "too_many_requests", f"{bounds.of_one} requests of yours are open already.", retry_after=2
            )
        if self._working.total() >= bounds.at_once:
            raise ApiError(503, "overloaded", "Too many requests are open.", retry_after=2)
        self._working[person] += 1
        try:
            response = await handler(request)
            await self._read(request, response)
            return response
        finally:
            self._working[person] -= 1
            if not self._working[person]:
                del self._working[person]

    async def _read(self, request: web.Request, response: web.StreamResponse) -> None:
        """Returns when the client has taken an answer."""
        try:
            async with asyncio.timeout(self._bounds.answer_seconds):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            log.info("%s: the client does not read its answer", request[REQUEST_ID])
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError from None


def _key(request: web.Request) -> str:
    """The key that a request brings. Raises ApiError."""
    kind, _space, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    key = key.strip()
    if kind.lower() != "bearer" or not key:
        raise ApiError(401, "missing_api_key", "Send your key as 'Authorization: Bearer …'.")
    if len(key) > MOST_KEY or not key.isascii():
        raise ApiError(401, "invalid_api_key", "This is no key of this studio.")
    return key


def _refusal(request: web.Request, error: ApiError) -> web.Response:
    request[REFUSED] = error.code
    return answer_to(error, request.path)


def _of_aiohttp(refused: web.HTTPException) -> ApiError:
    """What aiohttp refuses by itself."""
    known = {
        404: ("not_found", "There is nothing at this address."),
        405: ("method_not_allowed", "Not by this method."),
    }
    code, message = known.get(refused.status, ("bad_request", refused.reason or "This cannot be answered."))
    return ApiError(refused.status, code, message)


async def _with_number(request: web.Request, response: web.StreamResponse) -> None:
    number = request.get(REQUEST_ID)
    if number is not None:
        response.headers["x-request-id"] = number


async def _health(_request: web.Request) -> web.Response:
    return web.Response(body=json.dumps({"ok": True}).encode(), content_type="application/json")
