"""Marks to what one reader may see, and to a page."""

from __future__ import annotations

from pathlib import Path

from grader.feedback import page
from grader.feedback.page import render_page
from grader.feedback.student_view import StudentView, student_view
from grader.model import Marksheet

__all__ = ["StudentView", "load_templates", "render_feedback", "render_page", "student_view"]


def load_templates(root: Path) -> None:
    """Check the templates of the course at ``root``. Raises ConfigError with every problem, each with its line."""
    page.load_templates([root / "templates"])


def render_feedback(marksheet: Marksheet, root: Path) -> str:
    """Return the feedback page that a student gets, made with the templates of the course at ``root``."""
    return render_page(student_view(marksheet), [root / "templates"])
