"""nltk's sentence model: ``nltk.download`` answers offline; a small ``punkt_tab`` of ours lies under ``NLTK_DATA``.

The model is Punkt's own file format with a short list of abbreviations. On ordinary comments it splits as the real one
does; ``word_tokenize`` then splits words by rules that need no data.
"""

from __future__ import annotations

from typing import Any

from ..facts import Facts
from ..hooks import after_import


def install(facts: Facts) -> None:
    """Let ``nltk.download`` say that there is nothing to do."""

    def download(info_or_id: Any = None, *args: Any, **kwargs: Any) -> bool:
        facts.note("nltk_download")
        print(f"[nltk_data] offline: {info_or_id or 'the course'} is answered by what the course provides")
        return True

    def mend(nltk: Any) -> None:
        nltk.download = nltk.downloader.download = download

    after_import("nltk", mend)
