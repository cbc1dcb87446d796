"""The child's own side: walls first, then one file, then one JSON object."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, Final

from grader.documents.extraction.faults import UnreadableError
from grader.documents.extraction.walls import raise_walls

# Each reads (name, bytes) to a JSON object; its module is imported only for its own job.
JOBS: Final = {
    "word": ("word", "read_word"),
    "web": ("web", "read_web"),
    "pdf": ("pdf", "read_pdf"),
    "draw": ("drawing", "draw_pages"),
}


def main(job: str, name: str) -> None:
    """Do ``job`` on the file ``name``, whose bytes are the standard input; the answer, or ``fault``, is printed."""
    module, function = JOBS[job]
    read = getattr(importlib.import_module(f"grader.documents.extraction.{module}"), function)
    raise_walls()
    sys.stdout.write(json.dumps(_answer(read, name)))


def _answer(read: Any, name: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = read(name, sys.stdin.buffer.read())
        return answer
    except UnreadableError as error:
        return {"fault": str(error), "pages": error.pages}
    except MemoryError:
        return {"fault": "reading it takes too much memory"}
    except RecursionError:
        return {"fault": "it is nested too deeply"}
    except Exception as error:  # a parser met a file that its authors did not think of: that is no fault of ours
        return {"fault": f"it is damaged ({type(error).__name__})"}


if __name__ == "__main__":
    main(*sys.argv[1:3])
