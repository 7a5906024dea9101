"""The contract between whoever asks for pictures and whoever makes them.

Everything here is a frozen value, safe to store as JSON and to send between processes. A job is a pure function of its
request: seeds are drawn, and the pictures it works from stored, before it is submitted.

A kind of request is a class in a file of its own, which states what such a request costs and needs, and its line in
the one list below.
"""

from inference.requests.base import Ground, Guided, NegativeMode, Price, Request, Sized, Worded
from inference.requests.card import (
    Ability,
    ModelCard,
    Texts,
    WordLists,
)
from inference.requests.control import Control
from inference.requests.events import (
    Cancelled,
    Event,
    Failed,
    FailureCode,
    Finished,
    Note,
    NoteCode,
    Outcome,
    Picture,
    Progress,
    Queued,
    Recipe,
    Stage,
    Started,
    Stopping,
    pictures_in,
)
from inference.requests.fields import (
    FLASH_STEPS,
    MAX_AREA,
    MAX_PICTURE_SIDE,
    MAX_PICTURES,
    MAX_PIXELS,
    MAX_PROMPT_CHARS,
    MAX_SIDE,
    MAX_SOURCES,
    SIDE_STEP,
    Contract,
    Digest,
    Guidance,
    InvalidRequest,
    Level,
    Prompt,
    Scale,
    Seed,
    Seeds,
    Share,
    Side,
    Source,
    Sources,
    Steps,
    Styles,
    WeighedSource,
)
from inference.requests.inpaint import Inpaint
from inference.requests.mix import FlashMix, Mix
from inference.requests.outpaint import Outpaint
from inference.requests.refine import Refine
from inference.requests.registry import REQUESTS, AnyRequest, Kind, kinds_of, parse_request, price_of, register
from inference.requests.rewrite import REWRITE_WORK, Rewrite
from inference.requests.sheet import Look, Sheet
from inference.requests.text import FlashTextToImage, TextToImage
from inference.requests.upscale import SR_STEPS, SR_STRIDE, SR_WINDOW, Upscale
from inference.requests.windows import Box, focus_box, model_size, outpaint_windows, published_size

register(
    FlashTextToImage,
    TextToImage,
    Refine,
    Inpaint,
    Outpaint,
    Mix,
    FlashMix,
    Control,
    Upscale,
    Rewrite,
    Sheet,
)

__all__ = [
    "FLASH_STEPS",
    "MAX_AREA",
    "MAX_PICTURES",
    "MAX_PICTURE_SIDE",
    "MAX_PIXELS",
    "MAX_PROMPT_CHARS",
    "MAX_SIDE",
    "MAX_SOURCES",
    "REQUESTS",
    "REWRITE_WORK",
    "SIDE_STEP",
    "SR_STEPS",
    "SR_STRIDE",
    "SR_WINDOW",
    "Ability",
    "AnyRequest",
    "Box",
    "Cancelled",
    "Contract",
    "Control",
    "Digest",
    "Event",
    "Failed",
    "FailureCode",
    "Finished",
    "FlashMix",
    "FlashTextToImage",
    "Ground",
    "Guidance",
    "Guided",
    "Inpaint",
    "InvalidRequest",
    "Kind",
    "Level",
    "Look",
    "Mix",
    "ModelCard",
    "NegativeMode",
    "Note",
    "NoteCode",
    "Outcome",
    "Outpaint",
    "Picture",
    "Price",
    "Progress",
    "Prompt",
    "Queued",
    "Recipe",
    "Refine",
    "Request",
    "Rewrite",
    "Scale",
    "Seed",
    "Seeds",
    "Share",
    "Sheet",
    "Side",
    "Sized",
    "Source",
    "Sources",
    "Stage",
    "Started",
    "Steps",
    "Stopping",
    "Styles",
    "TextToImage",
    "Texts",
    "Upscale",
    "WeighedSource",
    "WordLists",
    "Worded",
    "focus_box",
    "kinds_of",
    "model_size",
    "outpaint_windows",
    "parse_request",
    "pictures_in",
    "price_of",
    "published_size",
    "register",
]
