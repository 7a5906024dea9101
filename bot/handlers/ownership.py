"""Buttons belong to whoever asked for the picture; everybody else gets a private line."""

from __future__ import annotations

from aiogram.types import CallbackQuery

from bot.i18n import _


async def belongs(callback: CallbackQuery, owner_id: int | None) -> bool:
    """Whether the presser may use this button. If not, they have been told so, privately. None: it is gone."""
    if owner_id == callback.from_user.id:
        return True
    if owner_id is None:
        await callback.answer(_("This is no longer there."), show_alert=True)
    else:
        await callback.answer(_("This belongs to somebody else. Send me your own words!"), show_alert=True)
    return False
