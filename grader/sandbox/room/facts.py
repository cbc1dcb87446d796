"""What the room knows about itself: told by the grader, and noted on the way."""

from __future__ import annotations

import json
import os
import random
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Facts:
    """``root`` holds the room's folders, ``source`` the course's data, ``data`` its names; ``notes`` wait for us.

    ``site`` are the folders of importable packages, ``limits`` names RLIMITs and their values.
    """

    root: str
    site: list[str]
    source: str
    seed: int
    device: str
    output_bytes: int
    notebook_bytes: int
    stand_ins: list[str]
    glove: bool
    data: list[str]
    limits: dict[str, int]
    notes: list[list[str]] = field(default_factory=list)

    @property
    def work(self) -> str:
        """The notebook's own folder."""
        return os.path.join(self.root, "work")

    def note(self, code: str, detail: str = "") -> None:
        """Remember, once, that a stand-in was needed."""
        if [code, detail] not in self.notes and len(self.notes) < 50:
            self.notes.append([code, detail[:200]])

    def reseed(self, name: str = "") -> None:
        """Seed every generator that is loaded; ``name`` gives each probe its own start, whatever ran before it."""
        seed = (self.seed + zlib.crc32(name.encode())) % 2**63
        random.seed(seed)
        if (numpy := sys.modules.get("numpy")) is not None and hasattr(numpy, "random"):
            numpy.random.seed(seed % 2**32)
        if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "manual_seed"):
            torch.manual_seed(seed)


def load_facts(folder: str) -> Facts:
    """Return what the grader wrote down for the room in ``folder``."""
    return Facts(**json.loads((Path(folder) / "facts.json").read_text(encoding="utf-8")))
