"""Mathematics that a student wrote: text to a tree, the tree to values in model worlds."""
