"""The weights of Kandinsky 3.1: what was released, what is on disk, and nets out of it. Its card needs no torch."""
