"""What the commands about a class have in common: their options, and the class and course that these name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.errors import ConfigError, NothingFoundError

if TYPE_CHECKING:
    from rich.console import Console

    from grader.batch.events import Job
    from grader.course import Course
    from grader.intake import HandIn, Intake

# The keys of grader.intake.LAYOUTS, which would have to be imported for --help.
LAYOUTS = ("gradescope", "moodle", "classroom50", "gh-classroom", "canvas", "plain")

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 118}
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for on the command line, besides which hand-ins."""

    out: Path
    root: Path | None = None
    rubric: Path | None = None
    device: str = "auto"
    unsafe: bool = False
    jobs: int | None = None
    only: tuple[str, ...] = ()
    fresh: bool = False
    repeat: int = 1
    roster: Path | None = None
    layout: str | None = None
    name_regex: str | None = None
    allow_strangers: bool = False
    times: Path | None = None
    scheduler: str | None = None
    cluster: str | None = None
    emit_sbatch: Path | None = None
    part: Path | None = None


def course_options(command: Any) -> Any:
    """Add the options that every command about a class takes."""
    for option in (
        click.option("--rubric", type=FILE, metavar="FILE", help="The rubric to mark by."),
        click.option("--course", "root", type=FOLDER, metavar="DIR",
                     help="The course's root: the folder that holds rubrics/, reference/ and templates/."),
        click.option("--out", type=FOLDER, default=Path("graded"), show_default=True, metavar="DIR",
                     help="Parent folder of the results."),
        click.option("--roster", type=FILE, metavar="FILE",
                     help="A CSV of the class: student_id, and if you like name, email, canvas_id, moodle_id, github, "
                          "section, group. Hand-ins are matched on any of these, and everybody has a row in the "
                          "gradebook. A hand-in of nobody on it, or a second one, stops the run before it begins."),
        click.option("--allow-strangers", is_flag=True,
                     help="Grade hand-ins of people who are not on the roster as well."),
        click.option("--layout", type=click.Choice(LAYOUTS), metavar="NAME",
                     help=f"How the hand-ins lie under PATH, if that is not recognised: {', '.join(LAYOUTS)}."),
        click.option("--name-regex", metavar="REGEX",
                     help="Sort the files under PATH by their paths: (?P<student_id>...), and if you like "
                          "(?P<file_id>...) and (?P<timestamp>...), as in nbgrader."),
        click.option("--times", type=FILE, metavar="FILE",
                     help="A CSV student_id,submitted_at: when each was handed in, for the rubric's deadline."),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
                     help="Where notebooks run; auto takes a GPU when there is one."),
        click.option("--unsafe-no-sandbox", "unsafe", is_flag=True,
                     help="Run notebooks on the open machine, with your own rights: for your own notebooks only."),
    ):  # fmt: skip
        command = option(command)
    return command


def check_device(device: str) -> None:
    """Raise ConfigError where a GPU is asked for and none can be used: marks must not come from another device."""
    if device != "cuda":
        return
    from importlib.metadata import version

    from grader.sandbox import find_device

    if find_device("auto", version("torch")) != "cuda":
        raise ConfigError(
            "--device cuda: no GPU that torch can use is here (take --device auto, or install torch with CUDA)"
        )


def load_intake(how: Options, progress: Console) -> Intake:
    """Return how hand-ins are found. Raises ConfigError for a roster or a pattern that is in no order."""
    from grader.intake import Intake, compile_pattern, load_roster

    if how.layout is not None and how.name_regex is not None:
        raise click.UsageError("Give one of --layout and --name-regex.")
    return Intake(
        layout=how.layout,
        name_pattern=compile_pattern(how.name_regex) if how.name_regex is not None else None,
        roster=load_roster(how.roster) if how.roster else None,
        allow_strangers=how.allow_strangers,
        tell=lambda text: progress.print(f"grade: {text}"),
    )


def open_classes(paths: Sequence[Path], how: Options, intake: Intake) -> list[tuple[Course, list[HandIn]]]:
    """Return the hand-ins by class folder, each with its course; every problem is raised before the first is opened."""
    from grader.course import load_course
    from grader.intake import find_hand_ins

    hand_ins = read_part(how.part) if how.part else find_hand_ins(paths, intake)
    if not hand_ins:
        raise NothingFoundError(f"no hand-in found under {', '.join(map(str, paths))}")
    found: dict[str, list[HandIn]] = {}
    for hand_in in hand_ins:
        found.setdefault(hand_in.class_folder, []).append(hand_in)
    if missing := set(how.only) - {hand_in.student for hand_in in hand_ins}:
        raise ConfigError(f"--only {', '.join(sorted(missing))}: no such hand-in under {', '.join(map(str, paths))}")
    return [
        (
            load_course(
                [item.path for item in group],
                root=how.root,
                rubric=how.rubric,
                class_folder=Path(folder),
                times=how.times,
            ),
            group,
        )
        for folder, group in found.items()
    ]


def read_part(path: Path) -> list[HandIn]:
    """Return the hand-ins of one task of an array job."""
    from grader.batch.slurm import read_part
    from grader.intake import read_hand_in

    return [read_hand_in(item) for item in read_part(path)]


def build_job(course: Course, hand_in: HandIn, how: Options) -> Job:
    """Return what is to be done with the hand-ins of one class folder."""
    from grader.batch.events import Job
    from grader.sandbox import find_device, find_version

    return Job(
        course=str(course.root.resolve()),
        rubric=str(course.rubric_path.resolve()),
        class_folder=hand_in.class_folder,
        out=str(how.out.resolve()),
        times=str(how.times.resolve()) if how.times else "",
        device=find_device(how.device, find_version("torch") or ""),
        unsafe=how.unsafe,
        fresh=how.fresh,
        repeat=how.repeat,
    )
