"""Pixels of strangers: decoded, compared and shown in processes that can be killed. Nothing here knows Telegram."""
