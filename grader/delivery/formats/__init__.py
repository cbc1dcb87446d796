"""One file for each format that marks leave in."""
