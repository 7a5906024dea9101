"""The studio's door for programs: whose key it is, what is asked for in the words of the modes, and the way through the
ledger, where a program is its person. The protocols are `inference.api`'s."""

from bot.door.house import House

__all__ = ["House"]
