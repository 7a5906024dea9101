"""The nets of Kandinsky 3.1, built from checkpoint shapes, and plain calls of them."""
