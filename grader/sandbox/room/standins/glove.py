"""Word vectors: torchtext finds the course's ``glove.*.txt`` in the notebook's cache folder and downloads nothing."""

from __future__ import annotations

import os
from typing import Any

from ..facts import Facts
from ..hooks import after_import


def install(facts: Facts) -> None:
    """Point torchtext to the file that was laid there, whatever the current folder and the cache it was told."""
    folder = os.path.join(facts.work, ".vector_cache")

    def mend(vocab: Any) -> None:
        original = vocab.Vectors.cache

        def cache(self: Any, name: str, cache: str, url: str | None = None, max_vectors: int | None = None) -> None:
            there = os.path.isfile(os.path.join(folder, name))
            original(self, name, folder if there else cache, url=url, max_vectors=max_vectors)

        vocab.Vectors.cache = cache

    after_import("torchtext.vocab", mend)
