"""How people ask for pictures: sentences of all kinds about scenes of the world, to learn reading from.

The words lie in `russian.toml` and `english.toml`; `russian` and `english` put them together, `asking` makes a whole
sentence of it, with what fingers add.
"""
