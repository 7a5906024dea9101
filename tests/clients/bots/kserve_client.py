"""KServe's own client at the door of the studio: `DOOR` is its address, `KEY` a key. Prints what it has been given."""

from __future__ import annotations

import asyncio
import base64
import os

from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

MODEL = "kandinsky-3.1"
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"


async def main() -> None:
    door, headers = os.environ["DOOR"], {"Authorization": f"Bearer {os.environ['KEY']}"}
    old = InferenceRESTClient(RESTConfig(protocol="v1", retries=1))
    assert await old.is_model_ready(door, MODEL, headers=headers)
    asked = {"instances": [{"query": "a red circle", "params": {"n": 2}}]}
    told = await old.infer(door, asked, model_name=MODEL, headers=headers)
    assert told["ok"] and [base64.b64decode(image)[:3] for image in told["images"]] == [JPEG] * 2, told
    new = InferenceRESTClient(RESTConfig(protocol="v2", retries=1))
    assert await new.is_server_live(door, headers=headers) and await new.is_server_ready(door, headers=headers)
    assert await new.is_model_ready(door, MODEL, headers=headers)
    prompt = InferInput(name="prompt", shape=[2], datatype="BYTES", data=["a red circle", "a blue cat"])
    answer = await new.infer(door, InferRequest(model_name=MODEL, infer_inputs=[prompt]), MODEL, headers)
    (images,) = answer.outputs
    assert (images.name, images.shape) == ("images", [2]), images
    assert all(base64.b64decode(image)[:4] == PNG for image in images.data)
    print("works, V1 and V2")


asyncio.run(main())
