"""A course from one root folder: rubric, reference, templates, and the secret that is kept elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import importlib
import importlib.util
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from grader.codec import load_record
from grader.errors import ConfigError
from grader.intake import CLASS_FILE, ClassFile, load_times
from grader.rubric import Complaint, Rubric, load_rubric

# Known to everybody: for the example and the tests, whose hidden data may be looked at.
DEMO_SECRET = b"public demo key of the example hand-in, never for a real class"
SECRET_VARIABLE = "GRADER_SECRET_FILE"  # noqa: S105 (the name of a variable, not a secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Everything that marks are made from, loaded and checked before the first submission is opened."""

    root: Path
    rubric_path: Path
    rubric: Rubric
    secret: bytes
    class_file: ClassFile
    digests: dict[str, str]
    class_folder: Path | None = None
    times: Mapping[str, str] = field(default_factory=dict)
    due_passed: bool = False

    @property
    def key_id(self) -> str:
        """A name for the secret that does not give it away."""
        return ("demo-" if self.secret == DEMO_SECRET else "course-") + hashlib.sha256(self.secret).hexdigest()[:12]

    def resolve(self, name: str) -> Any:
        """Return what ``package.module:attribute`` names in this course's reference. Raises ConfigError."""
        return resolve(self.root, name)

    def seed(self, submission_digest: str) -> bytes:
        """Return HMAC-SHA256(secret, assignment, submission digest), from which all hidden inputs derive."""
        message = f"{self.rubric.assignment}\x00{submission_digest}".encode()
        return hmac.digest(self.secret, message, hashlib.sha256)


def find_root(paths: Sequence[Path], explicit: Path | None = None) -> Path:
    """Return the course's root: ``explicit``, else the nearest parent of a path, else of the working folder.

    The submission's own folder is never asked, so that a hand-in cannot bring its own rubric.
    Raises ConfigError where no folder holds rubrics/.
    """
    if explicit is not None:
        if not (explicit / "rubrics").is_dir():
            raise ConfigError(f"--course {explicit}: there is no folder rubrics/ in it")
        return explicit.resolve()
    for path in paths:
        folder = path.resolve() if path.is_dir() else path.resolve().parent
        candidates = [folder.parent, *folder.parent.parents]
        if (folder / CLASS_FILE).is_file() or ((folder / "rubrics").is_dir() and (folder / "submissions").is_dir()):
            candidates.insert(0, folder)
        for parent in candidates:
            if (parent / "rubrics").is_dir():
                return parent
    working = Path.cwd()
    for parent in (working, *working.parents):
        if (parent / "rubrics").is_dir():
            return parent
    raise ConfigError(
        "no course found: no parent folder of the path or of the working folder holds rubrics/ (--course DIR)"
    )


def load_class_file(folder: Path) -> ClassFile:
    """Return the class file of a class folder, or the defaults where there is none. Raises ConfigError."""
    path = folder / CLASS_FILE
    return load_record(ClassFile, path)[0] if path.is_file() else ClassFile()


def find_rubric(root: Path, explicit: Path | None, class_file: ClassFile) -> Path:
    """Return the rubric's path: the one named, else the class's assignment, else the only one. Raises ConfigError."""
    if explicit is not None:
        return explicit
    if class_file.assignment is not None:
        return root / "rubrics" / f"{class_file.assignment}.yaml"
    found = sorted((root / "rubrics").glob("*.yaml"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.stem for path in found) or "none"
    raise ConfigError(
        f"which assignment? {root / 'rubrics'} holds {names}: name one with --rubric FILE or in {CLASS_FILE}"
    )


def load_course(
    paths: Sequence[Path],
    *,
    root: Path | None,
    rubric: Path | None,
    class_folder: Path | None,
    times: Path | None = None,
    again: bool = False,
) -> Course:
    """Load and check the course that ``paths`` belong to. Raises ConfigError with every problem.

    ``times`` is a list of when each hand-in was handed in. What was found in order before is not looked into once more,
    unless ``again``.
    """
    found = find_root(paths, root)
    class_file = load_class_file(class_folder) if class_folder else ClassFile()
    rubric_path = find_rubric(found, rubric, class_file)
    digests: dict[str, str] = {}
    loaded = load_rubric(
        rubric_path,
        lambda name: resolve(found, name),
        lambda rubric: _is_proved(digests, found, rubric_path, rubric.assignment) and not again,
        lambda rubric: _find_missing(found, rubric),
    )
    _keep_proof(digests)
    return Course(
        root=found,
        rubric_path=rubric_path,
        rubric=loaded,
        secret=DEMO_SECRET if class_file.key == "demo" else load_secret(),
        class_file=class_file,
        digests=digests,
        class_folder=class_folder,
        times=load_times(times) if times else {},
        due_passed=_has_passed(loaded, class_file),
    )


def _has_passed(rubric: Rubric, class_file: ClassFile) -> bool:
    """Return whether nobody can hand in any more what counts as in time, and so see answers too early."""
    if class_file.due_passed is not None:
        return class_file.due_passed
    if rubric.late is None:
        return False
    last = max([rubric.late.deadline, *rubric.late.extensions.values()])
    return datetime.now(UTC) > last + timedelta(minutes=rubric.late.grace_minutes)


def _is_proved(digests: dict[str, str], root: Path, rubric: Path, assignment: str) -> bool:
    """Fill in ``digests`` and return whether a course of these was found in order before, by this user."""
    digests |= {
        "rubric": digest_pairs([(rubric.name, hashlib.sha256(rubric.read_bytes()).hexdigest())]),
        "reference": digest_folder(root / "reference" / assignment),
        "grader": digest_folder(Path(__file__).parent),
    }
    with contextlib.suppress(OSError, RuntimeError):  # no home folder
        return _proof(digests).exists()
    return False


def _keep_proof(digests: Mapping[str, str]) -> None:
    """Remember that there is nothing wrong; where nothing can be kept, it is found out again each time."""
    with contextlib.suppress(OSError, RuntimeError):
        _proof(digests).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _proof(digests).touch()


def _proof(digests: Mapping[str, str]) -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "grader" / "proved" / digest_pairs([*digests.items(), ("python", sys.version)])


def _find_missing(root: Path, rubric: Rubric) -> Iterator[Complaint]:
    """Yield the files that the rubric names and the course does not hold."""
    if rubric.notebook is None:
        return
    for name in ("data", "template", "probes"):
        value = getattr(rubric.notebook, name)
        if value and not (root / value).exists():
            yield ("notebook", name), f"notebook.{name}", f"{value} is not there (looked in {root})"


def resolve(root: Path, name: str) -> Any:
    """Return the object that ``package.module:attribute`` names under ``root``. Raises ConfigError."""
    module_name, _, attribute = name.partition(":")
    package = module_name.split(".")[0]
    if package != "reference" or not attribute:
        raise ConfigError(f"{name!r} is no function of the course (write reference.<assignment>.<module>:<function>)")
    try:
        _load_package(root, package)
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ConfigError(f"{name} cannot be loaded from {root}: {error}") from None


def _load_package(root: Path, package: str) -> None:
    """Make ``package`` be the one under ``root``, whatever else of that name lies on sys.path."""
    init = root / package / "__init__.py"
    loaded = sys.modules.get(package)
    if loaded is not None and Path(loaded.__file__ or "").resolve() == init.resolve():
        return
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location(package, init, submodule_search_locations=[str(root / package)])
    if spec is None or spec.loader is None or not init.is_file():
        raise ImportError(f"{init} is not there")
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    spec.loader.exec_module(module)


def load_secret() -> bytes:
    """Return the course secret from its file outside the repository; make one on first use.

    The file is $GRADER_SECRET_FILE, else grader/secret under $XDG_CONFIG_HOME or ~/.config. Raises ConfigError.
    """
    configured = os.environ.get(SECRET_VARIABLE)
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = Path(configured) if configured else folder / "grader" / "secret"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            _create_secret(path)
        secret = path.read_text(encoding="ascii").strip().encode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the course secret {path} cannot be read or made: {error}") from None
    if len(secret) < 32:
        raise ConfigError(
            f"the course secret {path} is shorter than 32 characters: remove the file and a new one is made"
        )
    return secret


def _create_secret(path: Path) -> None:
    """Write a new secret whole and for its owner only; raises FileExistsError where there is one already."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
        os.link(temporary, path)
    finally:
        temporary.unlink()


def digest_folder(folder: Path) -> str:
    """Return sha256 over the sorted (relative path, sha256) of a folder's files, caches left out."""
    return digest_pairs(
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part == "__pycache__" or part.startswith(".") for part in path.parts[len(folder.parts) :])
    )


def digest_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Return sha256 over sorted (relative path, sha256) pairs."""
    lines = "".join(f"{name}\x00{digest}\n" for name, digest in sorted(pairs))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
