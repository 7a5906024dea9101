"""The studio as tools of a language model, by the Model Context Protocol: a client of its HTTP door and no more.

Whoever speaks to it brings a key of that door, and draws as the person whose key it is.
"""
