"""What the rubric's ``notebook:`` section says about running a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

StandIn = Literal["google_colab", "colab_paths", "shell", "nltk_punkt", "glove", "tqdm", "cuda", "offline"]
"""Replacements for what a student's machine had and ours lacks; each is explained in ``room/standins``:

- ``google_colab``: ``from google.colab import drive, files`` works; mounting does nothing.
- ``colab_paths``: ``/content/drive/...`` and Windows paths lead to the notebook's own folder, where the data is.
- ``shell``: ``!pip``, ``!wget``, ``!curl``, ``!gdown``, ``!apt-get``, ``!unzip`` and their like answer offline.
- ``nltk_punkt``: ``nltk.download`` answers, and ``word_tokenize`` finds a small sentence model.
- ``glove``: the course's ``glove.*.txt`` stands where torchtext looks for it, so that nothing is downloaded.
- ``tqdm``: ``tqdm.notebook`` prints text bars and needs no widgets.
- ``cuda``: without a GPU, everything sent to ``cuda`` stays on the CPU.
- ``offline``: connections to other machines fail at once; a URL whose file the course has reads that file.
"""

ALL_STAND_INS: tuple[StandIn, ...] = (
    "google_colab",
    "colab_paths",
    "shell",
    "nltk_punkt",
    "glove",
    "tqdm",
    "cuda",
    "offline",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookSettings:
    """The rubric's ``notebook:`` section. Paths are relative to the course's folder."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    file: str = "*.ipynb"
    """Which file of a submission is the notebook (a pattern of its name)."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """What a notebook may import: the package's name on PyPI and its exact version."""
    cell_timeout_seconds: float = 300.0
    """A cell that runs longer is interrupted; the next cells still run."""
    total_timeout_seconds: float = 1200.0
    """All cells together; what is left is then not run."""
    probe_timeout_seconds: float = 60.0
    """The most that one probe may take; a probe that asks for less is held to that."""
    output_bytes_per_cell: int = 100_000
    """Text of a cell beyond this is dropped."""
    output_bytes_per_notebook: int = 2_000_000
    """Text of all cells together beyond this is dropped; a room that sends many times as much is closed."""
    memory_bytes: int = 4 * 2**30
    """Memory of the whole room, and of each process in it."""
    processes: int = 256
    """Processes and threads of the room at one time."""
    open_files: int = 1024
    """Files that one process may hold open."""
    file_bytes: int = 2**28
    """The largest file that may be written."""
    disk_bytes: int = 2**28
    """What may be written beside the notebook, and once more under /tmp. It is memory, and gone with the room."""
    cpu_seconds: float = 3600.0
    """Processor time of all processes of the room together."""
    preload: tuple[str, ...] = ()
    """Modules that are imported once, before any notebook: kernels start with them (see ``keeper/zygote.py``)."""
    value_bytes: int = 4_000_000
    """The longest reply of a probe, as JSON text."""
    seed: int = 13
    """Seeds ``random``, NumPy and torch before the first cell, and again before every probe."""
    data: str = ""
    """The folder whose files lie beside the notebook when it runs."""
    template: str = ""
    """The blank notebook that students were given."""
    handed_out: tuple[str, ...] = ()
    """Those files of ``data`` that students were given: what may lie beside the notebook in their own CI."""
    probes: str = ""
    """The file of probe functions that is sent into the notebook's process. Assume that students read it."""
    checks: str = ""
    """The function that lists the probes to ask, such as ``reference.hw5.checks:requests``."""
    signs: str = ""
    """The function that looks for signs of tampering, such as ``reference.hw5.checks:signs``."""
    stand_ins: tuple[StandIn, ...] = ALL_STAND_INS
    """Which stand-ins are in place (all, if nothing is said)."""

    def __post_init__(self) -> None:
        limits = (name for name in self.__slots__ if name.endswith(("_seconds", "_bytes")))
        for name in (*limits, "output_bytes_per_cell", "output_bytes_per_notebook", "processes", "open_files"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0")
