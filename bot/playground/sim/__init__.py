"""The user plane `/sim/…`: what people do in the chats, what there is to see, and planned trouble."""

from bot.playground.sim.plane import SimPlane

__all__ = ["SimPlane"]
