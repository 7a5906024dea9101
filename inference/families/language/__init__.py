"""Language models: better prompts, and translation."""
