"""What kind of file it is: by its ending, overruled by its first bytes where they say otherwise."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from grader.model import Artifact, Media

_BY_SUFFIX: Final[dict[str, Media]] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".tex": "text",
    ".rst": "text",
    ".org": "text",
    ".rmd": "markdown",
    ".qmd": "markdown",
    ".ipynb": "notebook",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".doc": "docx",
    ".docx": "docx",
    ".odt": "docx",
    ".rtf": "docx",
    ".pages": "docx",
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".gif": "image",
    ".bmp": "image",
    ".webp": "image",
    ".tif": "image",
    ".tiff": "image",
    ".heic": "image",
}
_BY_MAGIC: Final[tuple[tuple[bytes, Media], ...]] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"{\\rtf", "docx"),
    (b"\xd0\xcf\x11\xe0", "docx"),
)
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_ARCHIVE_SUFFIXES = frozenset({".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz"})
# What lies beside a notebook: data, weights, programs, settings, sounds. Answers of a report do not stand in it.
_BESIDE_SUFFIXES = frozenset(
    {".csv", ".tsv", ".json", ".jsonl", ".npy", ".npz", ".pt", ".pth", ".pkl", ".ckpt", ".bin", ".h5", ".safetensors"}
    | {".vec", ".pyc", ".py", ".sh", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".lock", ".log", ".wav", ".mp3", ".css"}
    | {".js", ".svg", ".sty", ".cls", ".bib", ".aux", ".out", ".toc", ".synctex", ".db", ".parquet", ".xml"}
)
# What holds an answer only as text: under one of these endings, other bytes are taken for what they are.
_TEXTS: Final = frozenset({"markdown", "text", "html", "other"})


def find_media(path: str, head: bytes) -> Media:
    """Return the media of the file named ``path`` that begins with ``head`` (its first few hundred bytes)."""
    name = PurePosixPath(path)
    media = _BY_SUFFIX.get(name.suffix.lower(), "other")
    if media not in _TEXTS:
        return media
    for magic, truth in _BY_MAGIC:
        if head.startswith(magic):
            return truth
    if media != "other" and head.startswith(b"PK\x03\x04"):
        return "docx"
    if media == "other" and not name.suffix and head and _is_text(head):
        return "text"
    return media


def may_hold_answers(artifact: Artifact) -> bool:
    """Tell whether a file of an unknown kind may be a report in disguise: not empty, nothing known to lie beside."""
    suffix = PurePosixPath(artifact.path).suffix.lower()
    return artifact.media == "other" and artifact.size_bytes > 0 and suffix not in _BESIDE_SUFFIXES


def is_archive(path: str, head: bytes) -> bool:
    """Tell whether the file is an archive, whose content nobody has looked at yet."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix in _ARCHIVE_SUFFIXES or (not suffix and head.startswith(_ARCHIVE_MAGIC))


def _is_text(head: bytes) -> bool:
    return b"\x00" not in head or head[:2] in (b"\xff\xfe", b"\xfe\xff")
