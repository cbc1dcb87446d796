"""Where the program begins: which command is meant, and every error as a sentence with its exit code."""

from __future__ import annotations

import importlib
import os
import sys

import click

from grader import ONE_THREAD
from grader.cli.console import die
from grader.errors import ConfigError, Exit, GraderError

# Imported when it is called: ``grade --help`` is to answer at once.
COMMANDS = {
    "status": "grader.cli.status:status",
    "diff": "grader.cli.status:diff",
    "try": "grader.cli.trying:try_",
    "check": "grader.cli.check:check",
    "init": "grader.cli.init:init",
    "export": "grader.cli.export:export",
    "ci": "grader.cli.ci:ci",
    "mail": "grader.cli.mail:mail",
    "review": "grader.cli.review:review",
    "learn": "grader.cli.learn:learn",
}
_GRADE = "grader.cli.grade:grade"


def main() -> None:
    """Run the command line and turn every error into a sentence and its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    os.environ.update(ONE_THREAD)
    try:
        if name in COMMANDS:
            _find_command(COMMANDS[name]).main(sys.argv[2:], prog_name=f"grade {name}", standalone_mode=False)
        else:
            _find_command(_GRADE).main(sys.argv[1:], prog_name="grade", standalone_mode=False)
        sys.exit(Exit.GRADED)
    except click.exceptions.Abort:
        die("interrupted: what was finished is stored", Exit.INTERRUPTED)
    except KeyboardInterrupt:
        die("interrupted: what was finished is stored", Exit.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.CONFIG)
    except ConfigError as error:
        lines = [str(problem) for problem in error.problems] or [str(error)]
        head = f"{len(lines)} problems:\n" if len(lines) > 1 else ""
        die(head + "\n".join(lines), error.exit_code)
    except GraderError as error:
        die(str(error), error.exit_code)


def _find_command(where: str) -> click.Command:
    module, _, attribute = where.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command
