"""Bytes to structure: what a report says and where, knowing labels but no questions."""

from grader.documents.blocks import Block, BlockKind, Document, Line
from grader.documents.clues import Place
from grader.documents.notebook import find_printed
from grader.documents.pages import MOST_PAGES, draw_pages
from grader.documents.read import read_document
from grader.documents.sections import Passage, find_passages

__all__ = [
    "MOST_PAGES",
    "Block",
    "BlockKind",
    "Document",
    "Line",
    "Passage",
    "Place",
    "draw_pages",
    "find_passages",
    "find_printed",
    "read_document",
]
