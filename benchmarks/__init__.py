"""Measurements, as ratios inside one run. `python -m benchmarks` prints them all."""
