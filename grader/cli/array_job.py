"""``grade --emit-sbatch DIR``: a Slurm array job instead of grading here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.options import Options, build_job

if TYPE_CHECKING:
    from rich.console import Console

    from grader.course import Course
    from grader.intake import HandIn


def emit_array_job(
    classes: Sequence[tuple[Course, list[HandIn]]], paths: Sequence[Path], how: Options, console: Console
) -> None:
    """Write an array job for every class, and say how to start it."""
    from grader.batch.slurm import emit_sbatch

    assert how.emit_sbatch is not None  # noqa: S101  # asked by the caller
    for number, (course, hand_ins) in enumerate(classes):
        folder = how.emit_sbatch / f"class-{number}" if len(classes) > 1 else how.emit_sbatch
        job = build_job(course, hand_ins[0], how)
        packed = [hand_in.pack() for hand_in in hand_ins]
        written = emit_sbatch(
            job,
            packed,
            folder,
            tasks=how.jobs or min(len(packed), 100),
            last_options=[*_repeat_intake(how)],
            whole=_find_paths(paths, Path(hand_ins[0].class_folder)),
        )
        console.print(f"{len(written)} files in {folder}; to start it: bash {folder / 'submit.sh'}")


def _find_paths(paths: Sequence[Path], class_folder: Path) -> list[str]:
    """Return those of the paths that mean hand-ins of this class."""
    resolved = [path.resolve() for path in paths]
    return [str(path) for path in resolved if class_folder in (path, path.parent, path / "submissions")]


def _repeat_intake(how: Options) -> Iterator[str]:
    """Yield the options by which the same hand-ins are found again."""
    if how.roster:
        yield from ("--roster", str(how.roster.resolve()))
    if how.allow_strangers:
        yield "--allow-strangers"
    for name, value in (("--layout", how.layout), ("--name-regex", how.name_regex)):
        if value is not None:
            yield from (name, value)
