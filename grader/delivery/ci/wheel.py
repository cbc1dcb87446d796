"""The grader itself as a wheel, byte for byte the same each time: what CI installs, without a registry or a token.

Format: "Binary distribution format" of the Python packaging guide (a zip with .dist-info/{METADATA,WHEEL,RECORD}).
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import grader
from grader.errors import InfrastructureError
from grader.feedback.page import packaged_templates

DISTRIBUTION = "homework-grader"
_STAMP = (2020, 1, 1, 0, 0, 0)
_WHEEL = "Wheel-Version: 1.0\nGenerator: grade\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@functools.cache
def build_wheel() -> tuple[str, bytes]:
    """Return the file's name and bytes: the package that runs now, with its templates and no course's files.

    Raises InfrastructureError where the package is not installed, so that nothing tells what it depends on.
    """
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise InfrastructureError(
            f"{DISTRIBUTION} is not installed, so its wheel cannot be built: pip install -e ."
        ) from None
    name = f"{DISTRIBUTION.replace('-', '_')}-{grader.__version__}"
    about = f"{name}.dist-info"
    files = dict(_list_package())
    files[f"{about}/METADATA"] = _read(distribution, "METADATA", "PKG-INFO").encode()
    files[f"{about}/entry_points.txt"] = _read(distribution, "entry_points.txt").encode()
    files[f"{about}/WHEEL"] = _WHEEL.encode()
    record = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in sorted(files.items())]
    files[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted(files.items()):
            archive.writestr(build_entry(path), data)
    return f"{name}-py3-none-any.whl", stream.getvalue()


def build_entry(path: str, *, executable: bool = False) -> zipfile.ZipInfo:
    """Return a zip's entry for a file that everybody may read, always with the same time."""
    entry = zipfile.ZipInfo(path, _STAMP)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix: the mode below counts
    entry.external_attr = (0o100755 if executable else 0o100644) << 16
    return entry


def _list_package() -> Iterator[tuple[str, bytes]]:
    package, templates = Path(grader.__file__).parent, packaged_templates()
    for root, prefix in ((package, "grader"), (templates, "grader/templates")):
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in inside.parts):
                yield f"{prefix}/{inside.as_posix()}", path.read_bytes()


def _read(distribution: metadata.Distribution, *names: str) -> str:
    """Return the first of these files; PKG-INFO is METADATA in what an editable install leaves in a clone."""
    text = next(filter(None, map(distribution.read_text, names)), None)
    if text is None:
        raise InfrastructureError(f"{DISTRIBUTION} is installed without its {names[0]}: install it again")
    return text


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
