"""From an order to a shown result, for any mode."""
