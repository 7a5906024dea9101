"""The embedded checkpoint: a small Kandinsky 3.1 trained on a procedural world of coloured shapes."""
