"""Folders to Submissions: which files a student handed in, safely listed and read."""
