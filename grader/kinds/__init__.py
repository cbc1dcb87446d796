"""One file per question kind, and the table of them.

There are no entry points for kinds: an installed package could change marks unseen.
"""

from grader.kinds import choice, formula, notebook, presence, prose, vector
from grader.kinds.base import Context, Kind

__all__ = ["KINDS", "Context", "Kind"]

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (choice.KIND, formula.KIND, vector.KIND, prose.KIND, presence.KIND, notebook.KIND)
}
