"""The prediction protocols of KServe, as a client on the command line speaks them."""

from __future__ import annotations

import base64
from typing import Any

from tests.bot.conversation.painter import COLOURS
from tests.bot.door.conftest import ANNA, Door, opened

PREDICT, INFER = "/v1/models/kandinsky-3.1:predict", "/v2/models/kandinsky-3.1/infer"


async def told(door: Door, method: str, path: str, body: Any = None, person: int | None = ANNA) -> tuple[int, Any]:
    async with door.asking(method, path, person, **({} if body is None else {"json": body})) as response:
        return response.status, await response.json()


def tensor(name: str, *values: Any, datatype: str = "BYTES") -> dict[str, Any]:
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": list(values)}


async def test_v1_gives_jpegs_of_one_instance_and_predictions_of_several(door: Door) -> None:
    params = {"images_to_cherry_pick": 2, "top_k": 4096, "seed": 7}
    code, one = await told(door, "POST", PREDICT, {"instances": [{"query": "a red circle", "params": params}]})
    assert (code, one["ok"], one["clip_scores"], len(one["images"])) == (200, True, [], 2)
    image = opened(base64.b64decode(one["images"][0]))
    seen = image.getpixel((90, 90))
    assert image.format == "JPEG" and isinstance(seen, tuple) and abs(seen[0] - COLOURS["red"][0]) < 9
    assert door.house.painter.submitted[-1].request.seeds == (7, 8)
    code, two = await told(door, "POST", PREDICT, {"instances": [{"query": "a red circle"}, {"query": "a blue cat"}]})
    assert code == 200 and [prediction["ok"] for prediction in two["predictions"]] == [True, True]


async def test_v2_gives_a_tensor_of_pngs(door: Door) -> None:
    inputs = [tensor("prompt", "a red circle", "a blue cat"), tensor("seed", 7, datatype="UINT32")]
    code, body = await told(door, "POST", INFER, {"id": "x1", "inputs": inputs, "parameters": {"size": "1024x576"}})
    assert (code, body["id"], body["model_name"]) == (200, "x1", "kandinsky-3.1")
    (images,) = body["outputs"]
    assert (images["name"], images["datatype"], images["shape"]) == ("images", "BYTES", [2])
    first, second = (opened(base64.b64decode(one)) for one in images["data"])
    assert (first.format, first.size) == ("PNG", (448, 256))
    assert (first.getpixel((90, 90)), second.getpixel((90, 90))) == (COLOURS["red"], COLOURS["blue"])


async def test_readiness_and_metadata(door: Door) -> None:
    assert await told(door, "GET", "/v2/health/live", person=None) == (200, {"live": True})
    assert await told(door, "GET", "/v2/health/ready", person=None) == (200, {"ready": True})
    assert (await told(door, "GET", "/v2"))[1]["name"] == "kandinsky-studio"
    _code, meta = await told(door, "GET", "/v2/models/kandinsky-3.1")
    assert meta["inputs"][0] == {"name": "prompt", "datatype": "BYTES", "shape": [-1]}
    assert await told(door, "GET", "/v2/models/kandinsky-3.1/ready") == (200, {"name": "kandinsky-3.1", "ready": True})
    assert "kandinsky-3.1" in (await told(door, "GET", "/v1/models"))[1]["models"]
    assert (await told(door, "GET", "/v1/models/kandinsky-3.1"))[1]["ready"] is True


WRONG: tuple[tuple[str, Any, int], ...] = (
    (PREDICT, {"instances": "a red circle"}, 400),
    (PREDICT, {"instances": []}, 400),
    (PREDICT, {"instances": [{"query": "x"}] * 9}, 400),
    (PREDICT, {"instances": [{"query": 5}]}, 400),
    (PREDICT, {"instances": [{"query": "cat", "params": {"sampler": 1}}]}, 400),
    (PREDICT, {"instances": [{"query": "cat"}, {"query": "cat", "params": {"n": 99}}]}, 400),
    ("/v1/models/dall-e-3:predict", {"instances": [{"query": "cat"}]}, 404),
    (INFER, {"inputs": []}, 400),
    (INFER, {"inputs": [tensor("prompt", "cat", datatype="FP32")]}, 400),
    (INFER, {"inputs": [tensor("prompt", "cat"), tensor("seed", 1, 2)]}, 400),
    (INFER, {"inputs": [tensor("prompt", "cat"), tensor("seed", "x")]}, 400),
    (INFER, {"inputs": [tensor("prompt", 7)]}, 400),
    ("/v2/models/none/infer", {"inputs": [tensor("prompt", "cat")]}, 404),
)


async def test_what_cannot_be_is_told_in_the_form_of_the_protocol(door: Door) -> None:
    for path, body, expected in WRONG:
        code, answer = await told(door, "POST", path, body)
        assert (code, list(answer)) == (expected, ["error"]), (path, body, answer)
        assert isinstance(answer["error"], str)
    assert door.house.painter.submitted == [], "nothing is drawn of a request that is wrong in its last part"
