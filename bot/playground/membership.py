"""ChatMember objects: what the Bot API tells about a person or bot in a chat."""

from __future__ import annotations

from typing import Any

# The rights of an administrator that ChatMemberAdministrator requires, and pinning.
RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
    "can_pin_messages",
)
WITHHELD = frozenset({"can_promote_members"})


def chat_member(status: str, user: dict[str, Any]) -> dict[str, Any]:
    """A ChatMember: creator, administrator, member, left or kicked."""
    member: dict[str, Any] = {"status": status, "user": user}
    if status == "creator":
        return member | {"is_anonymous": False}
    if status == "administrator":
        rights = {right: right not in WITHHELD for right in RIGHTS}
        return member | {"can_be_edited": False, "is_anonymous": False} | rights
    return member | ({"until_date": 0} if status == "kicked" else {})
