"""Released checkpoints: what there is, what is on disk, and loading it. Importing this package needs no torch."""
