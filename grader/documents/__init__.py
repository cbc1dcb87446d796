"""Bytes to structure: what a report says and where, knowing labels but no questions."""

from grader.documents.blocks import Block, BlockKind, Document, Line
from grader.documents.clues import Place
from grader.documents.read import read_document
from grader.documents.sections import Passage, find_passages

__all__ = ["Block", "BlockKind", "Document", "Line", "Passage", "Place", "find_passages", "read_document"]
