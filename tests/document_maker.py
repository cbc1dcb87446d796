"""Reports in the formats that students hand in, made from Markdown or line by line."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
_SPEC = find_spec("pypandoc")
PANDOC = str(Path(str(_SPEC.origin)).parent / "files" / "pandoc") if _SPEC else "pandoc"
MARKDOWN = "markdown+lists_without_preceding_blankline+hard_line_breaks"


def convert(markdown: str, form: str) -> bytes:
    """Return a report as pandoc writes it: docx, odt, rtf or html (with MathML)."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "report.md"), Path(folder, f"report.{form}")
        source.write_text(markdown, encoding="utf-8")
        command = [PANDOC, "-f", MARKDOWN, "-s", "--mathml", "--metadata", "title=-", "--quiet"]
        subprocess.run([*command, str(source), "-o", str(target)], check=True)
        return target.read_bytes()


def print_page(html: str) -> bytes:
    """Return a page as Chromium prints it to PDF."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(html, encoding="utf-8")
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={target}", str(source)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return target.read_bytes()


def typeset(*pages: list[str]) -> bytes:
    """Return a PDF with the lines of each page as matplotlib sets them; ``$`` mathematics is set as TeX sets it."""
    import matplotlib

    with matplotlib.rc_context({"pdf.fonttype": 42}):
        from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
        from matplotlib.figure import Figure

        stream = io.BytesIO()
        with PdfPages(stream) as book:
            for lines in pages:
                figure = Figure(figsize=(8, 11))
                FigureCanvasPdf(figure)
                for number, line in enumerate(lines):
                    figure.text(0.1, 0.93 - 0.035 * number, line, fontsize=11)
                book.savefig(figure)
        return stream.getvalue()


def draw_photo(width: int = 800, height: int = 1000, form: str = "PNG") -> bytes:
    """Return a picture of handwriting, or a PDF that holds nothing but it (``form="PDF"``)."""
    photo = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(photo).text((100, 100), "Q1 a) two and three", fill="black")
    stream = io.BytesIO()
    photo.save(stream, form)
    return stream.getvalue()


def repack(data: bytes, changes: dict[str, Any]) -> bytes:
    """Return a zip package with parts changed: ``changes`` maps names to bytes or to what makes new bytes of old."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *changes}:
            change = changes.get(name)
            before = old.read(name) if name in old.namelist() else b""
            new.writestr(name, change(before) if callable(change) else before if change is None else change)
    return stream.getvalue()
