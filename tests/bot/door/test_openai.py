"""The images API, spoken by OpenAI's own client."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import openai
import pytest
from PIL import Image

from tests.bot.conversation.painter import COLOURS
from tests.bot.door.conftest import ANNA, Door, opened, png
from tests.waiting import until


async def test_words_become_a_picture_that_is_in_the_history_of_their_person(door: Door) -> None:
    async with door.openai() as client:
        answer = await client.images.generate(prompt="a red circle", size="1024x1024", extra_body={"seed": 7})
    assert answer.size == "256x256" and answer.output_format == "png"
    (picture,) = answer.data or ()
    (image,) = drawn(answer)
    assert (image.size, image.getpixel((9, 9))) == ((256, 256), COLOURS["red"])
    assert picture.revised_prompt == "a red circle" and picture.seed == 7
    pictures, total = await door.tools.history.page(ANNA, offset=0, limit=9)
    assert total == 1 and pictures[0].recipe.seed == 7
    job = await until(lambda: shown(door, pictures[0].job_id))
    assert job.message_id == 0, "no chat has a message of it"
    assert not list(await door.tools.history.statuses(job.id))


def drawn(answer: openai.types.ImagesResponse) -> list[Image.Image]:
    return [opened(base64.b64decode(one.b64_json or "")) for one in answer.data or ()]


async def shown(door: Door, job_id: int) -> object:
    job = await door.ledger.job(job_id)
    return job if job.shown_at is not None else None


async def test_several_pictures_a_shape_a_quality_and_a_format(door: Door) -> None:
    async with door.openai() as client:
        answer = await client.images.generate(
            prompt="a blue cat", n=3, size="1792x1024", quality="high", output_format="webp", output_compression=50
        )
    assert (answer.size, answer.quality) == ("448x256", "high")
    assert [image.format for image in drawn(answer)] == ["WEBP"] * 3
    assert door.house.painter.submitted[-1].request.kind == "full"


async def test_a_stream_tells_of_previews_and_then_of_the_picture(door: Door) -> None:
    async with door.openai() as client:
        for partials in (0, 2):
            await is_streamed(client, partials)


async def is_streamed(client: openai.AsyncOpenAI, partials: int) -> None:
    stream = await client.images.generate(prompt="a green circle", stream=True, partial_images=partials)
    events = [event async for event in stream]
    *before, last = events
    assert last.type == "image_generation.completed"
    assert opened(base64.b64decode(last.b64_json)).getpixel((9, 9)) == COLOURS["green"]
    assert [event.type for event in before] == ["image_generation.partial_image"] * len(before)
    assert [event.partial_image_index for event in before] == list(range(len(before))) and len(before) <= partials
    assert bool(before) is bool(partials)
    assert all(opened(base64.b64decode(event.b64_json)).format == "JPEG" for event in before)


async def test_a_picture_is_drawn_anew_by_words(door: Door) -> None:
    async with door.openai() as client:
        answer = await client.images.edit(image=("photo.png", png()), prompt="a blue cat")
    assert drawn(answer)[0].getpixel((9, 9)) == COLOURS["blue"]
    request = door.house.painter.submitted[-1].request
    assert request.kind == "mix" and len(request.images) == 1
    picture = (await door.tools.history.page(ANNA, offset=0, limit=1))[0][0]
    assert [upload for _parent, upload in await door.tools.history.sources.parents(picture.id)] != [None]


async def test_several_pictures_are_mixed(door: Door) -> None:
    async with door.openai() as client:
        await client.images.edit(image=[("a.png", png()), ("b.png", png((1, 2, 3)))], prompt="a blue cat")
    request = door.house.painter.submitted[-1].request
    assert request.kind == "mix" and [image.weight for image in request.images] == [0.5, 0.5]


async def test_what_a_mask_leaves_open_is_painted_anew_and_nothing_else(door: Door) -> None:
    mask = Image.new("RGBA", (128, 96), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (64, 0, 128, 96))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    async with door.openai() as client:
        answer = await client.images.edit(
            image=("photo.png", png()), mask=("mask.png", buffer.getvalue()), prompt="a blue cat"
        )
    image = drawn(answer)[0]
    assert image.size == (128, 96)
    assert (image.getpixel((9, 9)), image.getpixel((100, 9))) == ((200, 30, 30), COLOURS["blue"])


MASKS = (
    (png((0, 0, 0, 255)), "transparent"),
    (png((0, 0, 0, 0)), "transparent"),
    (png((0, 0, 0, 0), (64, 64)), "64x64"),
    (png(), "transparent"),
    (b"no picture at all", "picture"),
)


async def test_a_mask_that_is_none_is_told(door: Door) -> None:
    async with door.openai() as client:
        for mask, said in MASKS:
            with pytest.raises(openai.BadRequestError) as refused:
                await client.images.edit(image=("photo.png", png()), mask=("mask.png", mask), prompt="a blue cat")
            assert said in refused.value.message


async def test_a_stream_of_an_edit_has_names_of_its_own(door: Door) -> None:
    async with door.openai() as client:
        stream = await client.images.edit(image=("a.png", png()), prompt="a blue cat", stream=True, partial_images=1)
        events = [event.type async for event in stream]
    assert events == ["image_edit.partial_image", "image_edit.completed"]


async def test_pictures_like_one(door: Door) -> None:
    async with door.openai() as client:
        answer = await client.images.create_variation(image=("photo.png", png()), n=2)
    assert len(drawn(answer)) == 2 and door.house.painter.submitted[-1].request.kind == "mix"


async def test_a_picture_is_enlarged(door: Door) -> None:
    async with door.openai() as client:
        answer = await client.post(
            "/images/upscales",
            cast_to=openai.types.ImagesResponse,
            body={"factor": "4"},
            files={"image": ("photo.png", png())},
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )
    assert drawn(answer)[0].size == (512, 384)


async def test_models_are_listed_and_told_one_by_one(door: Door) -> None:
    async with door.openai() as client:
        models = [model.id async for model in client.models.list()]
        assert models == ["kandinsky-3.1", "kandinsky-3.1-flash", "kandinsky-3.1-full"]
        one = await client.models.retrieve("kandinsky-3.1")
        assert one.owned_by == "kandinsky-studio" and "256x256" in one.sizes
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.images.generate(prompt="a red circle", model="dall-e-3")
    assert unknown.value.code == "model_not_found"


IMPOSSIBLE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"prompt": "  "}, "prompt"),
    ({"prompt": "x" * 1001}, "prompt"),
    ({"prompt": "a\0b"}, "prompt"),
    ({"prompt": "cat", "n": 11}, "n"),
    ({"prompt": "cat", "size": "10x10"}, "size"),
    ({"prompt": "cat", "size": "4096x128"}, "size"),
    ({"prompt": "cat", "response_format": "url"}, "response_format"),
    ({"prompt": "cat", "background": "transparent"}, "background"),
    ({"prompt": "cat", "extra_body": {"sampler": "ddim"}}, "sampler"),
    ({"prompt": "cat", "extra_body": {"steps": 20}, "quality": "low"}, "steps"),
    ({"prompt": "cat", "extra_body": {"style": "nothing of the kind"}}, "style"),
    ({"prompt": "cat", "model": "kandinsky-3.1-flash", "quality": "high"}, "quality"),
)


async def test_what_cannot_be_is_named(door: Door) -> None:
    async with door.openai() as client:
        for fields, param in IMPOSSIBLE:
            with pytest.raises(openai.BadRequestError) as refused:
                await client.images.generate(**fields)
            assert refused.value.param == param and refused.value.type == "invalid_request_error"
            assert refused.value.request_id.startswith("req_")
    assert await door.jobs() == []


async def test_limits_of_the_person_are_told_with_a_time_to_come_back(door: Door) -> None:
    door.hold("held")
    async with door.openai() as client:
        asking = [asyncio.create_task(client.images.generate(prompt=f"held {number}")) for number in range(2)]
        await door.holding("held", 2)
        asking += [asyncio.create_task(client.images.generate(prompt=f"held {number}")) for number in range(3)]
        await until(lambda: jobs_are(door, 5))
        with pytest.raises(openai.RateLimitError) as refused:
            await client.images.generate(prompt="held once more")
        assert refused.value.code == "rate_limit_exceeded"
        assert int(refused.value.response.headers["retry-after"]) > 0
        door.release()
        assert len(await asyncio.gather(*asking)) == 5


async def jobs_are(door: Door, count: int) -> bool:
    return len(await door.jobs()) == count
