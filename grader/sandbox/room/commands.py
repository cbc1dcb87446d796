"""Shell commands of a notebook (``!pip install``, ``!wget`` ...) answered without a network. Runs as a script.

``commands.py NAME WORK ARGUMENT...``: WORK is the folder where the course's files lie, from which a download is served.
"""

import shutil
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

DOWNLOADERS = ("wget", "curl", "gdown", "kaggle")


def main(name: str, work: str, arguments: list[str]) -> int:
    """Return the exit status."""
    if name in DOWNLOADERS:
        return download(name, Path(work), arguments)
    if name == "unzip":
        return unzip(arguments)
    print(f"{name}: offline, nothing is installed: the packages that the course provides are already here")
    return 0


def download(name: str, work: Path, arguments: list[str]) -> int:
    """Serve the course's file of the same name, under the name that was asked for."""
    names = [argument.split("?")[0].rstrip("/").rpartition("/")[2] for argument in arguments]
    target = next((after for option, after in pairwise(arguments) if option in ("-O", "-o", "--output")), None)
    for wanted in (*names, target and Path(target).name):
        if wanted and (work / wanted).is_file():
            to = Path(target) if target else Path(wanted)
            if not (to.exists() and to.samefile(work / wanted)):
                shutil.copyfile(work / wanted, to / wanted if to.is_dir() else to)
            print(f"{name}: offline, {wanted} is the course's own file")
            return 0
    print(f"{name}: offline, not fetched: {' '.join(arguments)[:200]}")
    return 1


def unzip(arguments: list[str]) -> int:
    """Unpack an archive that is there; say so where there is none (the course's files already lie unpacked)."""
    archive = next((argument for argument in arguments if not argument.startswith("-")), "")
    if not zipfile.is_zipfile(archive):
        print(f"unzip: {archive or 'no archive'} is not here; the course's files already lie beside the notebook")
        return 0
    after = dict(pairwise(arguments))
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(after.get("-d", "."))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
