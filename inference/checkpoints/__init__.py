"""Weight files of any net: finding, fetching, checking, reading and converting them. It knows no net's name."""
