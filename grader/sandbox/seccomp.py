"""The system calls that a room may not make, as a filter for the kernel (classic BPF, built by libseccomp).

Namespaces keep a room apart; the filter takes away what could be used against the kernel itself, or to leave: tracing,
mounting, new namespaces, io_uring, BPF, keys, sockets of other families (a virtual machine's AF_VSOCK is not held by a
network namespace).
"""

from __future__ import annotations

import errno
import functools
import os
from typing import Any

_DENIED = """
ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise bpf perf_event_open keyctl add_key
request_key userfaultfd io_uring_setup io_uring_enter io_uring_register mount umount2 pivot_root chroot move_mount
open_tree fsopen fsmount fsconfig fspick mount_setattr setns unshare personality shmget shmat shmctl shmdt semget
semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify
mq_getsetattr kexec_load kexec_file_load init_module finit_module delete_module swapon swapoff reboot acct quotactl
syslog settimeofday clock_settime clock_adjtime adjtimex name_to_handle_at open_by_handle_at vhangup iopl ioperm
uselib fanotify_init memfd_secret lookup_dcookie nfsservctl modify_ldt
""".split()
_FAMILIES = (1, 2, 10, 16)  # UNIX, INET, INET6, NETLINK (libzmq asks for the interfaces and aborts without)
_NEW_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80)
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into somebody's terminal


class NoFilterError(Exception):
    """The filter cannot be built here; the message says what to install."""


@functools.cache
def build_filter() -> bytes:
    """Return the filter's program, for ``bwrap --seccomp`` and ``PR_SET_SECCOMP``. Raises NoFilterError."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise NoFilterError(f"libseccomp cannot be loaded ({error}); install it: apt install libseccomp2") from None
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    denied, unsupported = pyseccomp.ERRNO(errno.EPERM), pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    for name in _DENIED:
        _add(rules, denied, name)
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "memfd_create")  # files of no size limit, which no process need map
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags lie in memory; libc then takes clone
    for flag in _NEW_NAMESPACES:
        _add(rules, denied, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    for request in _TERMINAL_INPUT:
        _add(rules, denied, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request))
    for call in ("socket", "socketpair"):
        for family in (item for item in range(max(_FAMILIES)) if item not in _FAMILIES):
            _add(rules, unsupported, call, pyseccomp.Arg(0, pyseccomp.MASKED_EQ, 0xFFFFFFFF, family))
        _add(rules, unsupported, call, pyseccomp.Arg(0, pyseccomp.GT, max(_FAMILIES)))
    netlink = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, 0xFFFFFFFF, 16)
    _add(rules, unsupported, "socket", netlink, pyseccomp.Arg(2, pyseccomp.NE, 0))  # only NETLINK_ROUTE
    return _export(rules)


def _add(rules: Any, action: Any, name: str, *arguments: Any) -> None:
    import pyseccomp

    if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) > 0 or name == "io_setup":
        rules.add_rule(action, name, *arguments)


def _export(rules: Any) -> bytes:
    descriptor = os.memfd_create("filter")
    with os.fdopen(descriptor, "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
