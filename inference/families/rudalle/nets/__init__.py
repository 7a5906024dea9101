"""The nets of ruDALL-E and RUDOLPH, built from checkpoint shapes, and plain calls of them."""
