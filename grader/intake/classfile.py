"""What a class folder says of itself, in class.yaml beside the hand-ins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

CLASS_FILE = "class.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFile:
    """The settings in a class folder's class.yaml; every one may be left out."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}
    # Which rubric marks this class: "hw5" is rubrics/hw5.yaml.
    assignment: str | None = None
    # Which secret the hidden data derive from: the course's own, or the demo key that everybody knows (examples only).
    key: Literal["course", "demo"] = "course"
    # Folder names of hand-ins that were written by hand and read by a machine.
    machine_read: tuple[str, ...] = ()
    # Whether students may see what the rubric keeps until `after_due`. Left out, the deadline decides: from the
    # moment when the last extension has passed; without a deadline they may not.
    due_passed: bool | None = None
