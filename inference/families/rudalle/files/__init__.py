"""Released files of ruDALL-E and RUDOLPH."""
