"""Every recording that the replay knows; dimensions, cases, inputs and tolerances come from the files only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.parity import (
    adapters,
    drawing,
    emojich,
    hed,
    inpainting,
    key_shapes,
    nets,
    realesrgan,
    ru_key_shapes,
    ruclip,
    rudalle,
    superres,
    vqgan,
    yttm,
)
from tests.parity.golden import Golden, NotRecorded
from tests.parity.rows import MOVQ, TEXT, UNET, Row, Rows

RECORDINGS: dict[str, Callable[[Golden], Rows]] = {
    "schedule": nets.schedule,
    UNET: nets.unet,
    MOVQ: nets.movq,
    TEXT: nets.text,
    "sampler_full": drawing.sampler("sampler_full", flash=False),
    "sampler_flash": drawing.sampler("sampler_flash", flash=True),
    "pipeline_t2i_tiny": drawing.pipeline,
    inpainting.UNET: inpainting.unet,
    inpainting.SAMPLER: inpainting.sampler,
    inpainting.SIZES: inpainting.size_rules,
    adapters.ADAPTER: adapters.adapter,
    adapters.MIXTURE: adapters.mixture,
    adapters.CONTROL: adapters.control,
    superres.UNET: superres.unet,
    superres.PANORAMAS: superres.panoramas,
    superres.FLASH: superres.flash,
    hed.HED: hed.edges,
    key_shapes.OFFICIAL: key_shapes.official,
    key_shapes.ADDED: key_shapes.added,
    yttm.YTTM_TINY: yttm.encodings,
    vqgan.VQGAN: vqgan.plain,
    vqgan.DWT: vqgan.wavelets,
    rudalle.V3: rudalle.v3,
    rudalle.V2: rudalle.v2,
    rudalle.RUDOLPH: rudalle.rudolph,
    **{name: realesrgan.enlarging(name) for name in realesrgan.SCALES},
    ruclip.RUCLIP: ruclip.ranking,
    emojich.UNET: emojich.stickers,
    ru_key_shapes.SHAPES: ru_key_shapes.released,
}


def replay(folder: Path, only: str | None = None) -> list[Row]:
    """All rows of the recordings in `folder`, or those of the one called `only` (KeyError if it is not known)."""
    golden = Golden(folder)
    names = list(RECORDINGS) if only is None else [only]
    rows: list[Row] = []
    for name in names:
        try:
            rows += RECORDINGS[name](golden)
        except NotRecorded as absent:
            rows.append(Row(name, "-", missing=str(absent)))
    return rows
