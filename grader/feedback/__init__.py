"""Marks to what one reader may see, and to a page."""
