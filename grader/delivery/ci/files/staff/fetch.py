"""Written by `grade ci init`: clones what was handed in, or makes the key of one assignment. Standard library only.

fetch.py REPOSITORIES.csv FOLDER   FETCH_TOKEN and DEADLINE in the environment; each clone is left at its commit
fetch.py --key ASSIGNMENT FILE     COURSE_SECRET in the environment

No code of a student's runs here: no hook, no submodule, no filter; a link stays a text file.
"""

import base64
import csv
import hashlib
import hmac
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_.-]{1,100}")
ATTEMPTS, WAIT_SECONDS = 3, float(os.environ.get("FETCH_WAIT_SECONDS", "5"))
SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "core.symlinks=false", "-c", "core.fsmonitor=false",
        "-c", "protocol.ext.allow=never", "-c", "submodule.recurse=false")  # fmt: skip


def main(arguments: list[str]) -> int:
    """Do what is asked for; 1 where no repository at all could be fetched."""
    if arguments[0] == "--key":
        return make_key(arguments[1], Path(arguments[2]))
    rows = read_repositories(Path(arguments[0]))
    folder = Path(arguments[1]) / "submissions"
    folder.mkdir(parents=True)
    failed = [
        student
        for student, repository in rows
        if not any(fetch(repository, folder / student, attempt) for attempt in range(ATTEMPTS))
    ]
    print(f"{len(rows) - len(failed)} of {len(rows)} repositories fetched")
    for student in failed:
        print(f"  {student}: could not be fetched")
    if failed:  # they have no row in the gradebook: nobody gets a zero for this
        print(f"::warning title=Not everything was fetched::{len(failed)} repositories could not be read: see the log")
    return 1 if len(failed) == len(rows) else 0


def read_repositories(path: Path) -> list[tuple[str, str]]:
    """Return (student, owner/name) of each row; anything else in a row ends the run."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = [(row["student_id"].strip(), row["repository"].strip()) for row in csv.DictReader(stream)]
    for student, repository in rows:
        if not ID.fullmatch(student) or not REPOSITORY.fullmatch(repository):
            raise SystemExit(f"{path}: {student!r},{repository!r} is no student id and owner/name")
    if len({student for student, _ in rows}) != len(rows):
        raise SystemExit(f"{path}: a student stands there twice")
    return rows


def fetch(repository: str, target: Path, attempt: int = 0) -> bool:
    """Clone one repository and check out its last commit before the deadline; an empty folder where there is none."""
    time.sleep(attempt * WAIT_SECONDS)
    shutil.rmtree(target, ignore_errors=True)
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    if token := os.environ.get("FETCH_TOKEN"):
        header = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        environment |= {  # not in the address nor the arguments, so that neither git nor ps shows it
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {header}",
        }

    def git(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *SAFE, *command], env=environment, check=False, capture_output=True, text=True,
                              timeout=600)  # fmt: skip

    if git("clone", "--quiet", "--no-checkout", "--no-tags", f"{server}/{repository}", str(target)).returncode:
        return False
    before = ["--before", deadline] if (deadline := os.environ.get("DEADLINE", "").strip()) else []
    if git("-C", str(target), "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        return True  # nothing was ever committed
    found = git("-C", str(target), "rev-list", "-1", *before, "HEAD").stdout.strip()
    if not found:
        return True  # nothing before the deadline
    return git("-C", str(target), "checkout", "--quiet", "--detach", found).returncode == 0


def make_key(assignment: str, path: Path) -> int:
    """Write HMAC-SHA256(COURSE_SECRET, assignment): the job that grades gets this, and never the secret itself."""
    secret = os.environ.get("COURSE_SECRET", "").strip()
    if len(secret) < 32:
        raise SystemExit("COURSE_SECRET is missing or shorter than 32 characters")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(hmac.digest(secret.encode(), assignment.encode(), hashlib.sha256).hex() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
