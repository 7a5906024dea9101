"""The net that cuts stickers out of their background, as Emojich comes with it."""
