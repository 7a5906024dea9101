"""Every family of models, a folder each. They know nothing of each other, and the engine knows none of them."""

from inference.engine.family import registry
from inference.families.kandinsky import KANDINSKY
from inference.families.language import LANGUAGE

FAMILIES = registry(KANDINSKY, LANGUAGE)
