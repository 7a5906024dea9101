"""What the bot can do with words and pictures: how each mode is asked for, composed, shown and changed."""
