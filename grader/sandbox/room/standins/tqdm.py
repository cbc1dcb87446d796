"""``tqdm.notebook`` and ``tqdm.auto`` as text bars: widgets need a browser."""

from __future__ import annotations

from typing import Any

from ..facts import Facts
from ..hooks import after_import


def install(facts: Facts) -> None:
    """Give the notebook's names of tqdm the plain class."""

    def mend(module: Any) -> None:
        from tqdm.std import tqdm, trange  # type: ignore[import-untyped]

        for name in ("tqdm", "tqdm_notebook"):
            if hasattr(module, name):
                setattr(module, name, tqdm)
        for name in ("trange", "tnrange"):
            if hasattr(module, name):
                setattr(module, name, trange)

    after_import("tqdm.notebook", mend)
    after_import("tqdm.auto", mend)
