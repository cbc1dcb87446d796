"""The few system calls that Python 3.11 does not offer: setns with a pidfd, prctl, capset."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
EVERY_NAMESPACE = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
)
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP, _CAPBSET_DROP, _SET_CHILD_SUBREAPER = 1, 4, 22, 24, 36
_SET_NO_NEW_PRIVS, _CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _prctl(option: int, *values: int) -> int:
    padded = [*values, 0, 0, 0, 0][:4]
    return int(_libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)))


def end_with_parent() -> None:
    """Be killed when the parent process ends (to be called again after a change of user)."""
    _check(_prctl(_SET_PDEATHSIG, 9), "prctl(PR_SET_PDEATHSIG)")


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent ended."""
    _check(_prctl(_SET_CHILD_SUBREAPER, 1), "prctl(PR_SET_CHILD_SUBREAPER)")


def keep_rights_from_programs() -> None:
    """Let programs that this process starts have no capabilities (as an ordinary user's have none)."""
    _check(_prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL), "prctl(PR_CAP_AMBIENT)")


def become(uid: int) -> None:
    """Be user and group ``uid`` for good, and stay visible to that user's own processes."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _check(_prctl(_SET_DUMPABLE, 1), "prctl(PR_SET_DUMPABLE)")


def enter(pidfd: int, namespaces: int) -> None:
    """Enter namespaces of a process at once; of a PID namespace only this process's children are then inside."""
    _check(_libc.setns(pidfd, namespaces), "setns")


def give_up_rights(program: bytes) -> None:
    """Drop all capabilities for good, and put the system-call filter ``program`` in place."""
    for capability in range(_LAST_CAPABILITY + 1):
        _prctl(_CAPBSET_DROP, capability)  # fails for numbers that this kernel does not know
    _prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    _check(_prctl(_SET_DUMPABLE, 1), "prctl(PR_SET_DUMPABLE)")
    _check(_prctl(_SET_NO_NEW_PRIVS, 1), "prctl(PR_SET_NO_NEW_PRIVS)")

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    filled = Program(len(program) // 8, program)
    _check(_prctl(_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(filled)), "prctl(PR_SET_SECCOMP)")
