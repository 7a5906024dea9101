"""The durable queue: ledger, fair share, dispatcher, delivery. Knows nothing of tensors."""
