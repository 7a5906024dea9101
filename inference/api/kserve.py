"""The prediction protocols of KServe, V1 and V2 (the Open Inference Protocol), for pictures from words.

https://kserve.github.io/website/docs/concepts/architecture/data-plane. What V1 puts into an instance is the server's
own affair: `{"query": words, "params": {…}}` gives `{"ok", "images", "clip_scores"}` with JPEGs, as the public servers
of this family of models did. Nothing ranks pictures here, so there are no scores.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from inference.api.bodies import Bodies
from inference.api.errors import ApiError, wrong
from inference.api.fields import Generation, read_json
from inference.api.house import Caller, Drawn, House, Once
from inference.api.openai import CALLER, model_asked, once_of
from inference.api.wishes import Wish

MOST_INSTANCES = 8
VERSION = "1"
JPEG_QUALITY = 75
OF_OTHERS = ("images_to_gen", "images_to_cherry_pick", "top_k", "top_p", "super_res")  # samplers that this is none of
COUNTED_BY = "images_to_cherry_pick"


class Tensor(BaseModel):
    """An input of V2."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(max_length=64)]
    shape: Annotated[list[int], Field(max_length=4)]
    datatype: Annotated[str, Field(max_length=16)]
    data: Annotated[list[Any], Field(max_length=MOST_INSTANCES)]


class Inference(BaseModel):
    """`POST /v2/models/{model}/infer`."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, Field(max_length=128)] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    inputs: Annotated[list[Tensor], Field(min_length=1, max_length=16)]


@dataclass(frozen=True)
class Predictions:
    """The handlers."""

    house: House
    bodies: Bodies

    async def predict(self, request: web.Request) -> web.Response:
        """V1: every instance is an order, one after the other."""
        name = self._model(request)
        body = await self.bodies.json(request)
        instances = body.get("instances")
        if not isinstance(instances, list) or not 1 <= len(instances) <= MOST_INSTANCES:
            raise wrong("instances", f"'instances' must be a list of 1 to {MOST_INSTANCES}.")
        asked = [_instance(name, instance) for instance in instances]
        predictions = [await self._predicted(request, one, number) for number, one in enumerate(asked)]
        return web.json_response(predictions[0] if len(predictions) == 1 else {"predictions": predictions})

    async def infer(self, request: web.Request) -> web.Response:
        """V2: a tensor of prompts gives a tensor of pictures, those of the first prompt first."""
        name = self._model(request)
        if "Inference-Header-Content-Length" in request.headers:
            raise ApiError(400, "unsupported_value", "Tensors come as JSON here, not as binary data.")
        body = read_json(Inference, await self.bodies.json(request))
        tensors = {tensor.name: tensor for tensor in body.inputs}
        prompts = tensors.pop("prompt", None)
        if prompts is None or prompts.datatype != "BYTES" or not prompts.data:
            raise wrong("inputs", "There must be an input 'prompt' of datatype BYTES.")
        more = {other: tensor.data[0] for other, tensor in tensors.items() if len(tensor.data) == 1}
        if len(more) < len(tensors):
            raise wrong("inputs", "Every input but 'prompt' holds for all of them and has one value.")
        asked = [_order(name, prompt, {**body.parameters, **more}) for prompt in prompts.data]
        images: list[str] = []
        for number, one in enumerate(asked):
            images += await self._images(await self._drawn(request, one, number), "png")
        output = {"name": "images", "shape": [len(images)], "datatype": "BYTES", "data": images}
        told = {"model_name": name, "model_version": VERSION, "outputs": [output]}
        return web.json_response(told if body.id is None else {**told, "id": body.id})

    async def server(self, request: web.Request) -> web.Response:
        """V2: what this server is."""
        return web.json_response({"name": "kandinsky-studio", "version": VERSION, "extensions": []})

    async def live(self, request: web.Request) -> web.Response:
        """V2: whether the program answers."""
        return web.json_response({"live": True})

    async def ready(self, request: web.Request) -> web.Response:
        """V2: whether anything would be drawn now."""
        ready = self.house.ready
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def metadata(self, request: web.Request) -> web.Response:
        """V2: what a model takes and gives."""
        inputs = [
            {"name": "prompt", "datatype": "BYTES", "shape": [-1]},
            {"name": "negative_prompt", "datatype": "BYTES", "shape": [1]},
            {"name": "size", "datatype": "BYTES", "shape": [1]},
            {"name": "n", "datatype": "INT32", "shape": [1]},
            {"name": "seed", "datatype": "UINT32", "shape": [1]},
            {"name": "steps", "datatype": "INT32", "shape": [1]},
            {"name": "guidance_scale", "datatype": "FP32", "shape": [1]},
        ]
        outputs = [{"name": "images", "datatype": "BYTES", "shape": [-1]}]
        told = {"name": self._model(request), "versions": [VERSION], "platform": "kandinsky-studio"}
        return web.json_response({**told, "inputs": inputs, "outputs": outputs})

    async def model_ready(self, request: web.Request) -> web.Response:
        """V2: whether a model would draw now."""
        name, ready = self._model(request), self.house.ready
        return web.json_response({"name": name, "ready": ready}, status=200 if ready else 503)

    def _model(self, request: web.Request) -> str:
        return model_asked(request, self.house.card)

    async def _predicted(self, request: web.Request, asked: Generation, number: int) -> dict[str, Any]:
        drawn = await self._drawn(request, asked, number)
        return {"ok": True, "images": await self._images(drawn, "jpeg"), "clip_scores": []}

    async def _drawn(self, request: web.Request, asked: Generation, number: int) -> Drawn:
        caller: Caller = request[CALLER]
        wish = Wish("draw", prompt=asked.prompt, **asked.wished)
        once = once_of(request, asked.model_dump(mode="json"))
        if once is not None and number:
            once = Once(f"{once.key}#{number}", once.asked)
        async with self.house.ordered(caller, wish, once) as order:
            return await order.drawn()

    async def _images(self, drawn: Drawn, kind: Literal["png", "jpeg"]) -> list[str]:
        return [
            base64.b64encode(await self.house.file(picture, kind, JPEG_QUALITY)).decode() for picture in drawn.pictures
        ]


def _instance(name: str, instance: Any) -> Generation:
    """One order of V1. Raises ApiError."""
    if not isinstance(instance, dict) or not isinstance(instance.get("query"), str):
        raise wrong("instances", "Every instance must be an object with a text 'query'.")
    params = instance.get("params") or {}
    if not isinstance(params, dict) or instance.keys() - {"query", "params"}:
        raise wrong("instances", "An instance has a 'query' and 'params', an object.")
    ours = {key: value for key, value in params.items() if key not in OF_OTHERS}
    if "n" not in ours and COUNTED_BY in params:
        ours["n"] = params[COUNTED_BY]
    return _order(name, instance["query"], ours)


def _order(name: str, prompt: Any, params: dict[str, Any]) -> Generation:
    """Raises ApiError, also for what an answer of this protocol cannot have."""
    fields = {"quality", "size", "n", "seed", "steps", "guidance_scale", "negative_prompt", "style"}
    other = next((key for key in params if key not in fields), None)
    if other is not None:
        raise wrong(other, f"Unknown parameter: {other[:64]!r}.", "unknown_parameter")
    return read_json(Generation, {**params, "prompt": prompt, "model": name})
