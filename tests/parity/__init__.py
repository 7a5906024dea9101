"""Replays recorded tensors of the published Kandinsky 3.1 code against this project's code: `python -m tests.parity`."""
