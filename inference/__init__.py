"""Pictures: the contract, the queue, and everything that draws."""

import os

# Waiting OpenMP threads of torch spin by default. Beside any other busy process they then hold the core that the thread
# they wait for needs: measured on two shared cores, a picture took 255 s so and 0.7 s with threads that sleep. The
# variable is read once, when torch is loaded, and nothing of this package loads torch before this line.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
