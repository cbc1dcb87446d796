"""A process that has imported what notebooks need, and forks a kernel from it into each room.

Rules that make a fork safe (each was measured): one thread, ever; modules are imported and nothing of them is run; no
ZeroMQ context, event loop or IPython before the fork; an empty environment and nothing secret in memory, because every
child can read all of it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import warnings
from typing import Any, NoReturn

from . import calls, messages

# What ipykernel imports by itself while it starts.
_KERNEL_MODULES = """
ipykernel.kernelapp ipykernel.ipkernel ipykernel.zmqshell ipykernel.debugger IPython.core.debugger pdb
tornado.platform.asyncio IPython.core.oinspect IPython.core.completerlib IPython.core.magics
IPython.extensions.storemagic IPython.core.magics.script IPython.core.async_helpers IPython.core.payloadpage
ipykernel.subshell_manager ipykernel.shellchannel ipykernel.control ipykernel.heartbeat ipykernel.parentpoller
zmq.asyncio comm jedi stack_data faulthandler unicodedata encodings.ascii IPython.core.logger traitlets.config
""".split()


def start_zygote(modules: list[str], grader: socket.socket) -> tuple[socket.socket | None, dict[str, Any]]:
    """Return the socket of a process that has imported ``modules``, and what is to be told about it.

    A module after whose import there is more than one thread is left out (``left_out``, by name), and so is one that
    fails. None where the kernel itself cannot be loaded. Ends this process where ``grader`` is gone meanwhile.
    """
    left_out: dict[str, str] = {}
    while True:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        wanted = [name for name in modules if name not in left_out]
        if os.fork() == 0:
            ours.close()
            _live(theirs, wanted)
        theirs.close()
        # Imports take seconds. The grader says nothing before it is answered: what can be read of it is its end.
        if ours not in select.select([ours, grader], [], [])[0]:
            sys.exit(0)
        message, _ = messages.receive(ours) or ({"failed": "", "why": "it ended while it imported the kernel"}, [])
        if "failed" not in message:
            return ours, {"preloaded": wanted, "left_out": left_out}
        ours.close()
        with contextlib.suppress(ChildProcessError):
            os.wait()
        if not message["failed"]:
            return None, {"preloaded": [], "left_out": left_out, "why": message["why"]}
        left_out[message["failed"]] = message["why"]


def _live(keeper: socket.socket, modules: list[str]) -> NoReturn:
    """Import, report, and fork for each order until the keeper is gone."""
    name = ""
    try:
        calls.end_with_parent()
        from room.facts import load_facts
        from room.launcher import prepare_python

        facts = load_facts("/room")
        prepare_python(facts)
        for needed in (*_KERNEL_MODULES, *_room_modules()):
            with contextlib.suppress(ImportError):
                importlib.import_module(needed)
        _check_single("ipykernel")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in modules:
                importlib.import_module(name)
                _check_single(name)
        if "numpy" in sys.modules:
            importlib.import_module("numpy.random")  # NumPy itself imports it only when it is used, and we seed it
        importlib.import_module("room.kernel")
    except BaseException as error:
        messages.send(keeper, {"failed": name, "why": f"{type(error).__name__}: {error}"[:500]})
        os._exit(1)
    with open("/room/seccomp.bpf", "rb") as file:
        program = file.read()
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    home = os.pidfd_open(os.getpid())
    messages.send(keeper, {"ready": True})
    while (received := messages.receive(keeper)) is not None:
        order, descriptors = received
        _fork_into(order, descriptors, program, facts, home)
        for descriptor in descriptors:
            os.close(descriptor)
    os._exit(0)


def _room_modules() -> list[str]:
    """Return our own modules in the room: their files lie elsewhere there, so none may be imported later."""
    import pkgutil

    import room
    import room.standins

    return [
        module.name
        for package in (room, room.standins)
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        if not module.name.endswith((".commands", ".kernel"))
    ]


def _check_single(name: str) -> None:
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"{threads} threads after importing {name}: a process forked from that may hang")


def _fork_into(order: dict[str, Any], descriptors: list[int], program: bytes, facts: Any, home: int) -> None:
    """Fork the room's kernel: into the room's PID namespace at once, since copying this process takes time.

    Only children of a process that entered a PID namespace are inside it, so this process enters, forks and returns.
    To return takes root's rights; without them a child enters, and stays.
    """
    room, reply = descriptors
    returns = os.getuid() == 0
    if not returns and os.fork():
        return
    grader = socket.socket(fileno=os.dup(reply))
    try:
        calls.enter(room, calls.CLONE_NEWPID)
        kernel = os.fork()
        if kernel == 0:
            _go_in(order["uid"], room, program, facts)
        handle = os.pidfd_open(kernel)
        messages.send(grader, {"kernel": kernel}, [handle])
        os.close(handle)
    except OSError as error:
        with contextlib.suppress(OSError):
            messages.send(grader, {"error": f"{type(error).__name__}: {error}"})
    finally:
        if not returns:
            os._exit(0)
        calls.enter(home, calls.CLONE_NEWPID)
        grader.close()


def _go_in(uid: int, room: int, program: bytes, facts: Any) -> NoReturn:
    """Walk into the room as its user and become its kernel."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")  # when memory is short, a room goes first
        if uid:
            calls.become(uid)
        calls.enter(room, calls.EVERY_NAMESPACE & ~calls.CLONE_NEWPID)
        _become_kernel(program, facts)
    except SystemExit:
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
    os._exit(1)


def _become_kernel(program: bytes, facts: Any) -> None:
    os.setsid()
    os.umask(0o022)
    log = os.open("/room/run/kernel.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 65536)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    calls.give_up_rights(program)
    sys.path_importer_cache.clear()  # what lay in a folder may differ from here on
    from room.launcher import run_kernel

    run_kernel(facts)
