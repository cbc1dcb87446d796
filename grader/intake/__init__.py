"""Folders to Submissions: which files a student handed in, safely listed and read."""

from grader.intake.classfile import CLASS_FILE, ClassFile
from grader.intake.commit import find_commit_time
from grader.intake.discover import find_submissions, is_class_folder
from grader.intake.folder import MAX_FILE_BYTES, build_digest, open_submission, read_artifact, student_id
from grader.intake.media import may_hold_answers
from grader.intake.names import escape_name, natural_key
from grader.intake.roster import load_roster
from grader.intake.times import check_times, load_times

__all__ = [
    "CLASS_FILE",
    "MAX_FILE_BYTES",
    "ClassFile",
    "build_digest",
    "check_times",
    "escape_name",
    "find_commit_time",
    "find_submissions",
    "is_class_folder",
    "load_roster",
    "load_times",
    "may_hold_answers",
    "natural_key",
    "open_submission",
    "read_artifact",
    "student_id",
]
