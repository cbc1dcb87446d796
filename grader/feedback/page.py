"""A StudentView to one self-contained HTML page, by templates that a course may override file by file."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

import grader
from grader.errors import ConfigError, Problem
from grader.feedback.figures import build_plot_table
from grader.feedback.formula import render_answer, render_formula, render_mixed
from grader.feedback.markup import render_direction, show_marks
from grader.feedback.plots import render_plot
from grader.feedback.sample import build_sample
from grader.feedback.student_view import StudentView

PAGE = "feedback.html.j2"
SUFFIXES = (".j2", ".css")


def packaged_templates() -> Path:
    """Return the folder of the templates that come with the grader, in a wheel or in a clone."""
    inside = Path(grader.__file__).parent / "templates"
    return inside if inside.is_dir() else Path(grader.__file__).parent.parent / "templates"


def load_templates(folders: Sequence[Path]) -> Environment:
    """Return the templates of ``folders`` (the first that has a file wins), then the packaged ones, all checked.

    Every template is compiled, and the page is rendered once from a sample that holds everything a page may hold,
    so that a misspelt name is found before anything is graded. Raises ConfigError with every problem.
    """
    environment = _environment(tuple(folders))
    problems = [problem for name in environment.list_templates() if (problem := _find_problem(environment, name))]
    if problems:
        raise ConfigError(problems)
    _render(environment, PAGE, view=build_sample())
    return environment


def render_page(view: StudentView, templates: Sequence[Path]) -> str:
    """Return the page for one student. Raises ConfigError where a template is broken."""
    return _render(_environment(tuple(templates)), PAGE, view=view)


def render_template(name: str, templates: Sequence[Path], **values: object) -> str:
    """Return another page than the student's, from the template ``name``. Raises ConfigError where it is broken."""
    return _render(_environment(tuple(templates)), name, **values)


@lru_cache(maxsize=8)
def _environment(folders: tuple[Path, ...]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([*folders, packaged_templates()]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        marks=show_marks,
        formula=render_formula,
        mixed=render_mixed,
        answer=render_answer,
        direction=render_direction,
        plot=render_plot,
        plot_table=build_plot_table,
    )
    return environment


def _find_problem(environment: Environment, name: str) -> Problem | None:
    if not name.endswith(SUFFIXES):
        return None
    try:
        environment.get_template(name)
    except TemplateSyntaxError as error:
        return Problem(file=error.filename or name, line=error.lineno, message=error.message or "not a template")
    except UnicodeDecodeError as error:
        return Problem(file=name, message=f"not UTF-8 text: {error.reason}")
    return None


def _render(environment: Environment, name: str, **values: object) -> str:
    try:
        return environment.get_template(name).render(**values)
    except Exception as error:
        problem = _find_place(environment, name, error)
        if problem is None:
            raise
        raise ConfigError([problem]) from error


def _find_place(environment: Environment, name: str, error: Exception) -> Problem | None:
    """Return the template's line that an error comes from, None where no template is to blame."""
    if isinstance(error, TemplateSyntaxError):
        return Problem(file=error.filename or name, line=error.lineno, message=error.message or "not a template")
    loader = environment.loader
    folders = loader.searchpath if isinstance(loader, FileSystemLoader) else []
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(SUFFIXES) and any(Path(frame.filename).is_relative_to(item) for item in folders):
            return Problem(file=frame.filename, line=frame.lineno, message=f"{type(error).__name__}: {error}")
    return Problem(file=name, message=str(error)) if isinstance(error, TemplateError) else None
