"""Written by `grade ci init`: what Classroom 50's runner calls, without arguments, in the student's checkout.

Standard library only. It installs the grader that lies beside it into a folder of its own, lets it check a copy of the
checkout with an empty environment and without a token, ends every process that this started, and only then writes
result.json. Contract: classroom50/result/v1. Exit code 0 whenever the hand-in was checked; any other says that our side
failed, so that no zero is recorded.
"""

import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

TOTAL_SECONDS = float(os.environ.get("GRADE_TOTAL_SECONDS", "600"))  # the job has 15 minutes, for all that it does
MOST_BYTES = 8 * 2**20
# In place of the whole environment: what a program needs to start.
KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT")


def main() -> int:
    """Check the checkout in the working folder and write result.json."""
    checkout, bundle = Path.cwd(), find_bundle()
    deadline = time.monotonic() + TOTAL_SECONDS
    become_reaper()
    with tempfile.TemporaryDirectory(prefix="grade-") as place:
        folder = Path(place)
        try:
            python = install(bundle, folder, deadline)
        except (OSError, subprocess.SubprocessError) as error:
            return give_up(f"the grader could not be installed: {error}")
        allow_rooms()
        copy, out = folder / "submission", folder / "out"
        shutil.copytree(checkout, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        code = run([str(python), "-m", "grader", "ci", "run", str(copy), "--bundle", str(bundle), "--for",
                    "classroom50", "--out", str(out)], folder, deadline)  # fmt: skip
        # Nothing of the student's is left that could write what follows anew.
        if code is None:
            rows = one_row(f"Checking took longer than {TOTAL_SECONDS:.0f} seconds and was stopped.")
        elif code == 5:
            rows = one_row("Nothing was handed in that could be graded: commit your report and your notebook.")
        elif code != 0:
            return give_up(f"the grader ended with code {code}: our side failed, and nothing is held against you")
        else:
            rows = json.loads(read(out / "tests.json"))
        write(checkout / "result.json", json.dumps({**build_identity(), **rows}, indent=1) + "\n")
        body = read(out / "release-body.md") if code == 0 else rows["tests"][0]["output"] + "\n"
        write(checkout / "release-body.md", body)
    tell_runner("success" if rows["score"] == rows["max-score"] else "failure", f"{rows['score']}/{rows['max-score']}")
    return 0


def find_bundle() -> Path:
    """Return the folder of this file's siblings."""
    given = os.environ.get("CLASSROOM50_BUNDLE_DIR")
    return Path(given).resolve() if given else Path(__file__).resolve().parent


def install(bundle: Path, folder: Path, deadline: float) -> Path:
    """Return a Python that has the grader. GRADE_PYTHON names one that has it already (a prepared image)."""
    if prepared := os.environ.get("GRADE_PYTHON"):
        return Path(prepared)
    (wheel,) = bundle.glob("homework_grader-*.whl")
    python = folder / "venv" / "bin" / "python"
    environment = build_environment(folder)
    environment.setdefault("PIP_EXTRA_INDEX_URL", "https://download.pytorch.org/whl/cpu")
    for command in (
        [sys.executable, "-m", "venv", str(folder / "venv")],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)],
    ):
        seconds = max(1.0, deadline - time.monotonic())
        subprocess.run(command, check=True, env=environment, timeout=seconds, stdin=subprocess.DEVNULL)
    return python


def build_environment(folder: Path) -> dict[str, str]:
    """Return the whole environment of what runs here: no token, no name of a runner's file, a home of its own."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {"HOME": str(home)}


def allow_rooms() -> None:
    """Let user namespaces be made (Ubuntu bars them), so that the notebook runs in a sealed room."""
    command = ["sudo", "-n", "sysctl", "-q", "-w", "kernel.apparmor_restrict_unprivileged_userns=0"]
    if shutil.which("sudo") and Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").exists():
        subprocess.run(command, check=False, stdin=subprocess.DEVNULL, timeout=30)


def run(command: list[str], folder: Path, deadline: float) -> int | None:
    """Run a command and end all that it started; return its exit code, None where time was up.

    What it prints goes to a file first: nothing reaches the log that a runner could take for a command.
    """
    environment = build_environment(folder)
    log = folder / "log.txt"
    with log.open("wb") as stream:
        child = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stream,
                                 stderr=stream, start_new_session=True)  # fmt: skip
        try:
            code = child.wait(timeout=max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_all(child.pid)
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}")
    for line in log.read_bytes()[:200_000].decode(errors="replace").splitlines():
        print("  " + "".join(letter if letter.isprintable() else " " for letter in line))
    print(f"::{token}::", flush=True)
    return code


def become_reaper() -> None:
    """Have processes that lose their parent become our children (Linux, PR_SET_CHILD_SUBREAPER)."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def end_all(group: int) -> None:
    """Kill the process group and every descendant, also one that left the group, until none is left."""
    for _ in range(500):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
        found = list_descendants(os.getpid())
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)
    raise SystemExit("processes of the student's code could not be ended")


def list_descendants(parent: int) -> list[int]:
    """Return the processes below ``parent``."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, queue = [], [parent]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def one_row(message: str) -> dict:
    """Return a result that says one thing; an empty list of tests would read as "no autograder"."""
    row = {"test-name": "The hand-in could be checked", "passed": False, "score": 0, "max-score": 1, "output": message}
    return {"score": 0, "max-score": 1, "tests": [row]}


def build_identity() -> dict:
    """Return what the runner told us about this submission."""
    told = os.environ.get
    commit = told("COMMIT_URL", "")
    return {
        "schema": "classroom50/result/v1",
        "classroom": told("CLASSROOM", ""),
        "assignment": told("ASSIGNMENT", ""),
        "assignment_type": told("ASSIGNMENT_TYPE") or "individual",
        "owner": told("USERNAME") or told("OWNER", ""),
        "submission": told("SUBMISSION_TAG", ""),
        "commit": commit,
        "release": told("RELEASE_URL", ""),
        "review": told("REVIEW_URL") or commit,
        "datetime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def read(path: Path) -> str:
    """Return a plain file's text, of no more than MOST_BYTES; a link is not followed."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as stream:
        return stream.read(MOST_BYTES).decode()


def write(path: Path, text: str) -> None:
    """Write a file whole, in place of whatever stands there: a link, a folder, a forged result."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".grade-")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def tell_runner(status: str, summary: str) -> None:
    """Set the outputs that the runner reads; both are ours, one line each."""
    if output := os.environ.get("GITHUB_OUTPUT"):
        with open(output, "a", encoding="utf-8") as stream:
            stream.write(f"status={status}\nsummary={summary}\n")


def give_up(reason: str) -> int:
    """Say why nothing was recorded."""
    print("  grade: " + " ".join(reason.split()), flush=True)
    tell_runner("error", "the grader failed: nothing was recorded")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # whatever it is, it is our side's, and no zero
        sys.exit(give_up(f"{type(error).__name__}: {error}"))
