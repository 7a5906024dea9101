"""What speaks to Telegram by itself, whatever the conversation is about."""
