"""What programs say to the studio over HTTP, and how it answers: the images API of OpenAI, and the V1 and V2 protocols
of KServe. Here one language is put into another; who may ask, and what becomes of it, is behind `House`."""

from inference.api.errors import ApiError
from inference.api.house import Caller, Drawn, DrawnPicture, House, Line, Once, Order, Place
from inference.api.wishes import File, Quality, Task, Wish

__all__ = [
    "ApiError",
    "Caller",
    "Drawn",
    "DrawnPicture",
    "File",
    "House",
    "Line",
    "Once",
    "Order",
    "Place",
    "Quality",
    "Task",
    "Wish",
]
