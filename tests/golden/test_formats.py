"""What leaves for other systems, byte for byte: every export of one small class, and a message's two texts.

After a change that was meant: ``python -m tests.golden.test_formats`` writes the files again, to be read by a person
before they are kept.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.delivery.export import FORMATS
from tests.unit.feedback_sheets import realistic
from tests.unit.test_export import SHEET, export, make_class
from tests.unit.test_mail_compose import compose

FILES = Path(__file__).parent / "formats"
OPTIONS: dict[str, dict[str, object]] = {"canvas": {"title": "Homework 5 (98765)"}}


def write_all(folder: Path) -> dict[str, bytes]:
    """Return every file of every format, by its place under ``formats/``."""
    made = make_class(folder / "class")
    (folder / "worksheet.csv").write_bytes(SHEET.encode())
    found = {}
    for form in FORMATS:
        options = {**OPTIONS.get(form, {}), **({"worksheet": folder / "worksheet.csv"} if form == "moodle" else {})}
        place = export(made / "graded", form, folder / "out" / form, provisional=form in ("markdown", "csv"), **options)
        found.update(_read(place, f"{form}/" if place.is_dir() else f"{form}{_suffix(form)}"))
    message = compose(realistic())
    return {**found, "mail.html": message.html.encode(), "mail.txt": message.text.encode()}


def _suffix(form: str) -> str:
    return ".xml" if form == "junit" else ".csv"


def _read(place: Path, name: str) -> Iterator[tuple[str, bytes]]:
    if place.is_file():
        yield name, place.read_bytes()
    for path in sorted(place.rglob("*")) if place.is_dir() else ():
        if path.is_file():
            yield name + path.relative_to(place).as_posix(), path.read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return write_all(tmp_path_factory.mktemp("formats"))


def test_the_same_files_are_written(written: dict[str, bytes]) -> None:
    assert sorted(written) == sorted(path.relative_to(FILES).as_posix() for path in FILES.rglob("*") if path.is_file())


@pytest.mark.parametrize("form", [*FORMATS, "mail"])
def test_every_byte_is_as_it_was(written: dict[str, bytes], form: str) -> None:
    names = [name for name in written if name.startswith((f"{form}/", f"{form}."))]
    assert names
    for name in names:
        assert written[name].decode() == (FILES / name).read_bytes().decode(), name


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        content = write_all(Path(temporary))
    shutil.rmtree(FILES, ignore_errors=True)
    for name, data in content.items():
        (FILES / name).parent.mkdir(parents=True, exist_ok=True)
        (FILES / name).write_bytes(data)
    sys.stdout.write(f"{len(content)} files under {FILES}\n")
