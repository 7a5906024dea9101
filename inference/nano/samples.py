"""Sample sheets: what a part draws once it has been trained, for people to look at."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from inference.families.kandinsky.nets.hed import edge_map
from inference.nano import decoder, edges, inpainting, movq
from inference.nano.captions import captions
from inference.nano.drawing import draw
from inference.nano.evaluate import contact_sheet
from inference.nano.export import export, gather
from inference.nano.studio import Pixels, Studio
from inference.nano.world import SIZE, Scene, sample_scene
from inference.requests import (
    AnyRequest,
    Control,
    FlashTextToImage,
    Inpaint,
    Mix,
    TextToImage,
    Upscale,
    WeighedSource,
)

SAMPLES = 6
FIRST_SEED = 990_000_000  # of scenes that no net learns from
STEPS = 20
Ask = Callable[[Studio, Scene, Pixels], AnyRequest]


def sample_sheet(out: Path, part: str) -> Path | None:
    """Draws with what training has left in `out` and writes `sheets/<part>.png`: unseen pictures of the world, and
    below each what came of it or of its caption. None for the parts that draw nothing by themselves, and as long as
    there is no U-Net to make a checkpoint with.
    """
    scenes = [sample_scene(FIRST_SEED + i, "single") for i in range(SAMPLES)]
    pictures = [np.asarray(draw(scene)) for scene in scenes]
    if part in ("movq", "decoder"):
        made = _through_codec(out, pictures)
    elif part == "hed":
        net = edges.trained(out)
        maps = [edge_map(net, torch.from_numpy(picture.copy())).numpy() for picture in pictures]
        made = [np.repeat(one[..., None], 3, axis=-1) for one in maps]
    elif part in ASKS and (out / "unet.pt").exists():
        made = _by_engine(out, ASKS[part], scenes, pictures)
    else:
        return None
    path = out / "sheets" / f"{part}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    side = len(made[0])
    shown = [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.NEAREST)) for one in pictures]
    contact_sheet(np.stack([*shown, *made]), SAMPLES).save(path)
    return path


@torch.inference_mode()
def _through_codec(out: Path, pictures: list[Pixels]) -> list[Pixels]:
    codec = decoder.trained(out)
    images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    levels = (movq.decode(codec, movq.encode(codec, images)).clamp(-1, 1) + 1) * 127.5
    return list(levels.round().byte().permute(0, 2, 3, 1).numpy())


def _by_engine(out: Path, ask: Ask, scenes: list[Scene], pictures: list[Pixels]) -> list[Pixels]:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "weights")
        export(gather(out), weights)
        studio = Studio(weights)
        requests = [ask(studio, scene, picture) for scene, picture in zip(scenes, pictures, strict=True)]
        return [picture for (picture,) in studio.draw(requests)]


def _words(scene: Scene) -> dict[str, object]:
    return {"prompt": captions(scene, 1)[0], "seeds": (scene.seed % 2**31,)}


def _sized(scene: Scene) -> dict[str, object]:
    return {**_words(scene), "width": SIZE, "height": SIZE, "steps": STEPS}


def _repainted(studio: Studio, scene: Scene, picture: Pixels) -> AnyRequest:
    mask = studio.put(np.asarray(inpainting.box_mask(scene, 0, random.Random(scene.seed)))).blob
    where = {"image": studio.put(picture), "mask": mask, "native_side": SIZE, "steps": STEPS}
    return Inpaint.model_validate({**_words(scene), **where})


def _varied(studio: Studio, scene: Scene, picture: Pixels) -> AnyRequest:
    look = WeighedSource(**studio.put(picture).model_dump(), weight=1.0)
    return Mix.model_validate({**_sized(scene), "prompt": "", "images": (look,)})


def _held(kind: str) -> Ask:
    return lambda studio, scene, picture: Control.model_validate(
        {**_sized(scene), "kind": kind, "image": studio.put(picture)}
    )


def _enlarged(kind: str) -> Ask:
    return lambda studio, scene, picture: Upscale.model_validate(
        {"kind": kind, "image": studio.put(picture), "seeds": (1,)}
    )


ASKS: dict[str, Ask] = {
    "unet": lambda studio, scene, picture: TextToImage.model_validate(_sized(scene)),
    "flash": lambda studio, scene, picture: FlashTextToImage.model_validate(
        {**_words(scene), "width": SIZE, "height": SIZE}
    ),
    "inpainting": _repainted,
    "adapter": _varied,
    "outlines": _held("hed"),
    "scribble": _held("scribble"),
    **{f"superres_{name}": _enlarged(name) for name in ("x2", "x4", "flash_x2")},
}
