"""Replays recorded tensors of the published Kandinsky 3.1 code against this project's: `python -m tests.parity`."""
