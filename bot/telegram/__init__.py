"""Telegram on the wire: how updates come in, and what speaks by itself, whatever the conversation is about."""
