"""Telegram on the wire: how updates come in."""
