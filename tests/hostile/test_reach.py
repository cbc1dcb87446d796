"""What a notebook can read, write, call and talk to beyond its room: nothing."""

import dataclasses
import json
import os
import secrets
import socket
import sys
from pathlib import Path

import pytest

from tests.hostile.arena import ROOT, cell
from tests.hostile.arena import SETTINGS as ARENA_SETTINGS

SETTINGS = dataclasses.replace(ARENA_SETTINGS, cell_timeout_seconds=20)  # these end by themselves, on slow machines too


def read_files(places):
    import os

    found = {}
    for place in places:
        try:
            if os.path.isdir(place):
                found[place] = os.listdir(place)[:9]
            else:
                found[place] = [open(place, "rb").read(40).decode(errors="replace"), "read"]
        except OSError:
            continue
    return found


def look_through_links(places):
    import os

    found = []
    for number, place in enumerate(places):
        link = f"/room/work/link{number}"
        os.symlink(place, link)
        try:
            found.append([place, os.listdir(link)[:9] if os.path.isdir(link) else open(link).read(40)])
        except OSError:
            continue
    for deep in ("/proc/1/root", "/proc/1/cwd", "/proc/self/root/.." + "/.." * 9, "/.." * 20):
        try:
            found.append([deep, "var" in os.listdir(deep)])
        except OSError:
            continue
    return found


def import_modules(names):
    import importlib

    found = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        found.append(name)
    return found


def search_memory():
    """Look for the planted secret, and for a word of our own to see that the search finds what is there."""
    import os
    import re

    control = bytearray(b"con") + b"trol-" + os.urandom(16).hex().encode()
    wanted = re.compile(b"(plan|con)" + b"(ted|trol)" + b"-[0-9a-f]{32}")
    found = set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps.read().splitlines():
            places, rights = line.split()[:2]
            start, end = (int(text, 16) for text in places.split("-"))
            if rights[0] != "r" or end - start > 2**28:
                continue
            for at in range(start, end, 2**22):
                try:
                    memory.seek(at)
                    piece = memory.read(min(2**22 + 50, end - at))
                except (OSError, ValueError, OverflowError):
                    break
                found.update(match.group() for match in wanted.finditer(piece))
    return {"control": bytes(control) in found, "found": [text.decode() for text in found if text != bytes(control)]}


def search_proc():
    """Read all that /proc tells of any process: its environment, its arguments, and what it has open."""
    import os
    import re

    seen = {"processes": [], "read": ""}
    for name in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        seen["processes"].append(int(name))
        for file in ("environ", "cmdline", "maps", "mountinfo", f"task/{name}/environ"):
            try:
                seen["read"] += open(f"/proc/{name}/{file}", errors="replace").read()
            except OSError:
                continue
        for link in ("cwd", "root", "exe"):
            try:
                seen["read"] += os.readlink(f"/proc/{name}/{link}") + "\n"
            except OSError:
                continue
        try:
            for number in os.listdir(f"/proc/{name}/fd"):
                seen["read"] += os.readlink(f"/proc/{name}/fd/{number}") + "\n"
        except OSError:
            continue
    # Mounts are listed with the names of the folders that the room shows: no more than names.
    found = re.findall("plan" + "ted-[0-9a-f]+|COURSE_SECRET|[^ ]*submissions[^ ]*", seen["read"])
    return {"processes": seen["processes"], "length": len(seen["read"]), "found": found}


def connect_out(addresses, names, paths):
    """Try to reach somebody, past the stand-in that answers for the network."""
    import _socket
    import socket

    reached = []
    for host, port in addresses:
        for family in (_socket.AF_INET, _socket.AF_INET6):
            for kind in (_socket.SOCK_STREAM, _socket.SOCK_DGRAM):
                caller = _socket.socket(family, kind)
                caller.settimeout(1)
                try:
                    caller.connect((host if family == _socket.AF_INET else f"::ffff:{host}", port))
                    caller.send(b"\0" * 12)
                    if kind == _socket.SOCK_STREAM or caller.recv(1):
                        reached.append([host, port])
                except OSError:
                    continue
    for name in names:
        try:
            reached.append([name, _socket.getaddrinfo(name, 80)])
        except OSError:
            continue
    for path in paths:
        for kind in (_socket.SOCK_STREAM, _socket.SOCK_DGRAM):
            caller = _socket.socket(_socket.AF_UNIX, kind)
            try:
                caller.connect(path)
                reached.append([path])
            except OSError:
                continue
    interfaces = [name for _, name in socket.if_nameindex()]
    routes = open("/proc/net/route").read().splitlines()[1:]
    return {"reached": reached, "interfaces": interfaces, "routes": routes}


def open_families(families):
    import _socket

    opened = []
    for name, family in families.items():
        for kind in (1, 2, 3, 5):
            for protocol in (0, 1, 3, 9, 16):
                try:
                    _socket.socket(family, kind, protocol).close()
                    opened.append([name, kind, protocol])
                except OSError:
                    continue
    for protocol in range(1, 22):
        try:
            _socket.socket(16, 3, protocol).close()
            opened.append(["AF_NETLINK", protocol])
        except OSError:
            continue
    return opened


def write_files(places):
    import os

    written = []
    for place in places:
        targets = [place, os.path.join(place, "sitecustomize.py"), os.path.join(place, "zz.pth")]
        for target in targets if os.path.isdir(place) else targets[:1]:
            try:
                with open(target, "ab") as file:
                    file.write(b"import os\n")
                written.append(target)
            except OSError:
                pass
        for change in (lambda path: os.chmod(path, 0o777), os.unlink, lambda path: os.rename(path, "/tmp/x")):
            try:
                change(place)
                written.append([place, "changed"])
            except OSError:
                continue
    return written


def call_kernel(machine):
    """Call what could lead out of a room, or into the kernel, by number, and return what was not refused."""
    import ctypes
    import errno
    import os

    # fmt: off
    numbers = {
        "x86_64": {
            "ptrace": 101, "unshare": 272, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
            "personality": 135, "add_key": 248, "keyctl": 250, "bpf": 321, "userfaultfd": 323, "perf_event_open": 298,
            "process_vm_readv": 310, "process_vm_writev": 311, "setns": 308, "clone": 56, "shmget": 29, "mq_open": 240,
            "kcmp": 312, "name_to_handle_at": 303, "open_by_handle_at": 304, "init_module": 175, "syslog": 103,
            "sethostname": 170, "fanotify_init": 300,
        },
        "aarch64": {
            "ptrace": 117, "unshare": 97, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51,
            "personality": 92, "add_key": 217, "keyctl": 219, "bpf": 280, "userfaultfd": 282, "perf_event_open": 241,
            "process_vm_readv": 270, "process_vm_writev": 271, "setns": 268, "clone": 220, "shmget": 194,
            "mq_open": 180, "kcmp": 272, "name_to_handle_at": 264, "open_by_handle_at": 265, "init_module": 105,
            "syslog": 116, "sethostname": 161, "fanotify_init": 262,
        },
    }[machine]
    # fmt: on
    numbers |= {"io_uring_setup": 425, "io_uring_enter": 426, "clone3": 435, "pidfd_getfd": 438, "open_tree": 428}
    numbers |= {"move_mount": 429, "fsopen": 430, "mount_setattr": 442, "memfd_secret": 447}
    libc = ctypes.CDLL(None, use_errno=True)
    space = ctypes.create_string_buffer(4096)
    at = ctypes.addressof(space)
    own = os.open("/proc/self/ns/user", os.O_RDONLY)
    pidfd = os.pidfd_open(os.getpid())
    calls = {
        "ptrace": [(0, 0, 0, 0), (16, 1, 0, 0), (0x4206, 1, 0, 0)],
        "unshare": [(flag,) for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x10020000)],
        "mount": [(b"none", b"/tmp", b"tmpfs", 0, 0), (b"/", b"/tmp", 0, 4096, 0)],
        "umount2": [(b"/in", 2)],
        "pivot_root": [(b"/tmp", b"/tmp")],
        "chroot": [(b"/tmp",)],
        "personality": [(0xFFFFFFFF,), (0x0040000,)],
        "add_key": [(b"user", b"name", at, 4, 0xFFFFFFFD)],
        "keyctl": [(0, 0xFFFFFFFD, 0), (1, 0)],
        "bpf": [(0, at, 64), (5, at, 64)],
        "userfaultfd": [(0,), (1,)],
        "perf_event_open": [(at, 0, -1, -1, 0)],
        "process_vm_readv": [(os.getpid(), at, 1, at, 1, 0), (1, at, 1, at, 1, 0)],
        "process_vm_writev": [(1, at, 1, at, 1, 0)],
        "setns": [(own, 0), (pidfd, 0x10000000)],
        "clone": [(flag | 17, 0, 0, 0, 0) for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x2000000)],
        "shmget": [(0, 4096, 0o1600)],
        "mq_open": [(b"queue", 0o102, 0o600, 0)],
        "kcmp": [(os.getpid(), 1, 0, 0, 0)],
        "name_to_handle_at": [(-100, b"/", at, at + 512, 0)],
        "open_by_handle_at": [(own, at, 0)],
        "init_module": [(at, 64, b"")],
        "syslog": [(3, at, 64)],
        "sethostname": [(b"x", 1)],
        "fanotify_init": [(0, 0)],
        "io_uring_setup": [(1, at)],
        "io_uring_enter": [(0, 0, 0, 0, 0, 0)],
        "clone3": [(at, 88)],
        "pidfd_getfd": [(pidfd, 0, 0)],
        "open_tree": [(-100, b"/", 1)],
        "move_mount": [(-100, b"/in", -100, b"/tmp", 0)],
        "fsopen": [(b"tmpfs", 0)],
        "mount_setattr": [(-100, b"/", 0, at, 32)],
        "memfd_secret": [(0,)],
    }
    refused = {errno.EPERM, errno.ENOSYS, errno.EACCES}
    done = []
    for name, attempts in calls.items():
        for attempt in attempts:
            arguments = [ctypes.c_char_p(item) if isinstance(item, bytes) else ctypes.c_long(item) for item in attempt]
            result = libc.syscall(ctypes.c_long(numbers[name]), *arguments)
            number = ctypes.get_errno()
            if result == 0 and name.startswith("clone"):
                os.write(1, b"a child in a new namespace")
                os._exit(0)
            if result != -1 or number not in refused:
                done.append([name, attempt[0] if isinstance(attempt[0], int) else "", result, number])
    return done


def call_in_another_way(machine):
    """The same by the door for programs of 32 bits, and by x32's numbers: a child is to be killed, or refused."""
    import ctypes
    import mmap
    import os
    import signal

    def through_interrupt():
        code = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"  # mov eax, 20 (getpid); int 0x80; ret
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))() > 0

    def through_x32():
        return ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000 + 39)) > 0  # getpid

    outcomes = {}
    for attempt in (through_interrupt, through_x32) if machine == "x86_64" else ():
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGSEGV, signal.SIG_DFL)
            os._exit(7 if attempt() else 0)
        outcomes[attempt.__name__] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return outcomes


def type_into_a_terminal():
    import fcntl
    import os
    import termios

    try:
        _, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSTI, b"x")
    except OSError as error:
        return error.errno
    return 0


def gain_rights():
    import os
    import subprocess

    found = {"gained": []}
    folders = ["/usr/bin", "/usr/lib", "/usr/libexec", "/usr/sbin"]
    marked = subprocess.run(["find", *folders, "-type", "f", "-perm", "/6000"], capture_output=True, text=True).stdout
    for path in marked.splitlines():
        if os.access(path, os.X_OK):
            code = subprocess.Popen(
                [path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                status = open(f"/proc/{code.pid}/status").read()
                if "Uid:\t1000\t1000\t1000\t1000" not in status or "CapEff:\t0000000000000000" not in status:
                    found["gained"].append([path, status])
            except (OSError, ProcessLookupError):
                pass
            code.kill()
            code.wait()
    for command in (["unshare", "-U", "true"], ["unshare", "-r", "id"], ["unshare", "-m", "true"], ["su", "-c", "id"]):
        try:
            if subprocess.run(command, capture_output=True, timeout=3, stdin=subprocess.DEVNULL).returncode == 0:
                found["gained"].append(command)
        except (OSError, subprocess.TimeoutExpired):
            continue
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    found["status"] = [
        status[name] for name in ("Uid", "CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    ]
    for attempt in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.mknod("/tmp/disk", 0o60600, 0x800)):
        try:
            attempt()
            found["gained"].append("a call")
        except OSError:
            continue
    return found


def raise_limits():
    import resource

    raised = []
    for name in ("NPROC", "NOFILE", "FSIZE", "CPU", "DATA", "CORE", "MEMLOCK", "MSGQUEUE"):
        limit = getattr(resource, f"RLIMIT_{name}", 12)
        soft, hard = resource.getrlimit(limit)
        try:
            resource.setrlimit(limit, (soft, hard + 1 if hard >= 0 else hard))
            raised.append([name, hard])
        except (OSError, ValueError):
            continue
    return raised


def write_to_the_system():
    """Everything under /proc/sys (but what belongs to the room's own namespaces), and /proc's own switches."""
    import os
    import re

    own = re.compile(
        "/proc/sys/(fs/mqueue/|net/|user/|kernel/(msg|sem|shm|auto_msgmni|hostname|domainname|ns_last|pid_max))"
    )

    written = []
    for parent, _, names in os.walk("/proc/sys"):
        for name in names:
            try:
                os.close(os.open(path := os.path.join(parent, name), os.O_WRONLY))
                if not own.match(path):
                    written.append(path)
            except OSError:
                continue
    for name, text in (("sysrq-trigger", "h"), ("self/uid_map", "0 0 9"), ("1/oom_score_adj", "-999"), ("kcore", "")):
        try:
            with open(f"/proc/{name}", "w") as file:
                file.write(text)
            written.append(name)
        except OSError:
            continue
    try:
        with open("/proc/sys/kernel/pid_max", "w") as file:
            file.write("4321")  # the room's own since Linux 6.14
    except OSError:
        pass
    return written


@pytest.fixture(scope="module")
def listener():
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        name = f"\0hostile-{os.getpid()}"
        abstract.bind(name)
        abstract.listen()
        yield tcp.getsockname()[1], name


@pytest.fixture(scope="module")
def secret():
    """A word in the grader's environment and memory (set before any room is built)."""
    patch = pytest.MonkeyPatch()
    word = f"planted-{secrets.token_hex(16)}"
    patch.setenv("COURSE_SECRET", word)
    yield word
    patch.undo()


@pytest.fixture(scope="module")
def seen(secret, listener, arena):
    """What each attack of one notebook brought back."""
    machine = os.uname().machine
    port, abstract = listener
    outside = [
        *map(
            str, (ROOT, ROOT / "reference", ROOT / "submissions", ROOT / "tests", Path.home() / ".ssh", arena.temporary)
        )
    ]
    outside += [
        "/etc/shadow",
        "/etc/sudoers",
        "/root",
        "/home",
        "/var",
        "/sys",
        "/boot",
        "/opt",
        "/srv",
        "/run",
        "/mnt",
    ]
    outside += [
        "/dev/mem",
        "/dev/kmsg",
        "/dev/sda",
        "/dev/vda",
        "/dev/kvm",
        "/dev/fuse",
        "/dev/net",
        "/work",
        "/etc/ssl/private",
    ]
    packages = arena.rooms.layout.site
    protected = ["/", "/usr", "/usr/bin/env", "/etc", "/etc/passwd", "/in", "/in/course.csv", "/room", "/room/room",
                 "/room/room/kernel.py", "/room/keeper", "/room/bin", "/room/bin/python", "/room/facts.json",
                 "/room/seccomp.bpf", "/dev", "/dev/null0", *packages, *(f"{item}/numpy" for item in packages),
                 *arena.rooms.layout.site, os.path.dirname(os.__file__)]  # fmt: skip
    families = {
        "AF_PACKET": 17,
        "AF_ALG": 38,
        "AF_VSOCK": 40,
        "AF_BLUETOOTH": 31,
        "AF_KEY": 15,
        "AF_XDP": 44,
        "AF_TIPC": 30,
    }
    attacks = [
        cell(read_files, outside),
        cell(look_through_links, outside),
        cell(import_modules, ["grader", "reference", "rubrics", "pydantic", "pytest", "nbclient"]),
        cell(search_memory),
        cell(search_proc),
        cell(connect_out, [["127.0.0.1", port], ["8.8.8.8", 53], ["169.254.169.254", 80]], ["pypi.org"], [abstract]),
        cell(open_families, families),
        cell(write_files, protected),
        cell(call_kernel, machine),
        cell(call_in_another_way, machine),
        cell(type_into_a_terminal),
        cell(gain_rights),
        cell(raise_limits),
        cell(write_to_the_system),
        "import os\nprint(_json.dumps(sorted(os.environ)))",
    ]
    names = [text.split("def ", 1)[1].split("(")[0] if "def " in text else "environment" for text in attacks]
    return dict(zip(names, map(json.loads, arena.texts(*attacks)), strict=True))


def test_nothing_outside_can_be_read(seen, arena):
    # The folders above those that the room shows are there, with nothing else in them.
    shown = [*arena.rooms.layout.site, sys.base_prefix, os.path.realpath(sys.executable)]
    bare = {str(parent) for path in shown for parent in Path(path).parents}
    found = {place: names for place, names in seen["read_files"].items() if place not in bare or len(names) > 1}
    assert found == {}


def test_links_lead_nowhere(seen):
    assert {place: names for place, names in seen["look_through_links"] if names not in ([], False)} == seen[
        "read_files"
    ]


def test_nothing_of_ours_can_be_imported(seen):
    assert seen["import_modules"] == []


def test_no_secret_is_in_memory(seen):
    assert seen["search_memory"] == {"control": True, "found": []}


def test_no_other_process_is_seen(seen):
    assert len(seen["search_proc"]["processes"]) <= 4
    assert seen["search_proc"]["length"] > 1000
    assert seen["search_proc"]["found"] == []


def test_the_environment_is_the_rooms(seen):
    assert "COURSE_SECRET" not in seen["environment"]
    assert len(seen["environment"]) < 35


def test_nobody_can_be_reached(seen):
    assert seen["connect_out"] == {"reached": [], "interfaces": ["lo"], "routes": []}


def test_no_odd_socket_can_be_opened(seen):
    assert seen["open_families"] == []


def test_nothing_of_the_room_can_be_changed(seen):
    assert seen["write_files"] == []


def test_calls_that_lead_out_are_refused(seen):
    assert seen["call_kernel"] == []


def test_no_other_door_of_the_kernel_is_open(seen):
    assert 7 not in seen["call_in_another_way"].values()


def test_nothing_can_be_typed_into_a_terminal(seen):
    assert seen["type_into_a_terminal"] == 1


def test_no_right_can_be_gained(seen):
    none = "0000000000000000"
    assert seen["gain_rights"] == {
        "gained": [], "status": ["1000\t1000\t1000\t1000", none, none, none, none, "1", "2"]}  # fmt: skip


def test_no_limit_can_be_raised(seen):
    assert seen["raise_limits"] == []


def test_the_systems_switches_cannot_be_touched(seen):
    assert seen["write_to_the_system"] == []
    assert Path("/proc/sys/kernel/pid_max").read_text() != "4321\n"
