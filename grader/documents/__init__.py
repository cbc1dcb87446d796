"""Bytes to structure: what a report says and where, knowing labels but no questions."""
