"""`python -m bot setup`: from a fresh machine to a `.env` that works, with weights, in one conversation or by flags."""
