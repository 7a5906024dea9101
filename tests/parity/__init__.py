"""Replays recorded tensors of the published code, of Kandinsky 3.1 and of the elder family, against this project's:
`python -m tests.parity`."""
