"""What was handed in, to Submissions: hand-ins found in folders, archives and downloads, safely listed and read."""

from grader.intake.classfile import CLASS_FILE, ClassFile
from grader.intake.commit import find_commit_time
from grader.intake.discover import Intake, find_hand_ins, is_class_folder
from grader.intake.folder import build_digest, open_submission
from grader.intake.handin import HandIn, plain_hand_in, read_hand_in
from grader.intake.layouts import LAYOUTS
from grader.intake.layouts.pattern import compile_pattern
from grader.intake.listing import MAX_FILE_BYTES
from grader.intake.media import may_hold_answers
from grader.intake.names import escape_name, natural_key
from grader.intake.reading import read_artifact
from grader.intake.roster import Roster, load_roster
from grader.intake.times import check_times, load_times

__all__ = [
    "CLASS_FILE",
    "LAYOUTS",
    "MAX_FILE_BYTES",
    "ClassFile",
    "HandIn",
    "Intake",
    "Roster",
    "build_digest",
    "check_times",
    "compile_pattern",
    "escape_name",
    "find_commit_time",
    "find_hand_ins",
    "is_class_folder",
    "load_roster",
    "load_times",
    "may_hold_answers",
    "natural_key",
    "open_submission",
    "plain_hand_in",
    "read_artifact",
    "read_hand_in",
]
