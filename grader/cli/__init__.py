"""The command line: the only stage that prints or exits. A command is a file; its heavy imports wait for work."""

from grader.cli.entry import main

__all__ = ["main"]
