"""Why a file cannot be read, in words that staff and student see."""

from __future__ import annotations


class UnreadableError(Exception):
    """The file cannot be read; the message goes on from "it could not be read: ".

    ``pages`` counts the pages that can be drawn all the same.
    """

    def __init__(self, message: str, pages: int = 0) -> None:
        super().__init__(message)
        self.pages = pages
