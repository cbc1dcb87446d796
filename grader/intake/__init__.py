"""Folders to Submissions: which files a student handed in, safely listed and read."""

from grader.intake.classfile import CLASS_FILE, ClassFile
from grader.intake.discover import find_submissions, is_class_folder
from grader.intake.folder import build_digest, open_submission, student_id
from grader.intake.listing import MAX_FILE_BYTES
from grader.intake.media import may_hold_answers
from grader.intake.names import escape_name, natural_key
from grader.intake.reading import read_artifact
from grader.intake.roster import load_roster

__all__ = [
    "CLASS_FILE",
    "MAX_FILE_BYTES",
    "ClassFile",
    "build_digest",
    "escape_name",
    "find_submissions",
    "is_class_folder",
    "load_roster",
    "may_hold_answers",
    "natural_key",
    "open_submission",
    "read_artifact",
    "student_id",
]
