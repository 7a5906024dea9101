"""Jobs from a person's sentence to a settled outcome: a durable ledger, a fair order, and a way to the workers."""
