"""Bots of other frameworks against the playground: `make clients`."""
