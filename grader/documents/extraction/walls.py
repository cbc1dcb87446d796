"""What a child that parses a stranger's file may not do: take much memory or time, write, signal, use the network.

The limits are inherited by pandoc, which the child starts. A file that takes over a parser finds no way out but the
answer on the standard output, which is read as JSON and as text.
"""

from __future__ import annotations

import ctypes
import errno
import resource
import signal
from typing import Final

MEMORY_BYTES: Final = 512 * 2**20
SECONDS: Final = 10
_PR_SET_PDEATHSIG: Final = 1
_DENIED: Final = """
setsid setpgid kill pidfd_open pidfd_send_signal socket socketpair connect bind listen accept accept4 sendto sendmsg
ptrace process_vm_readv process_vm_writev mount umount2 unshare setns bpf perf_event_open keyctl io_uring_setup
userfaultfd link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir truncate chmod
fchmod fchmodat chown fchown fchownat
""".split()


def raise_walls() -> None:
    """Limit this process and those it starts, for good."""
    # Whoever asked may die before it can end its child.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    _deny_calls()


def _deny_calls() -> None:
    """Take away the network and what changes files; where libseccomp is not to be had, the limits stand alone."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError):
        return
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in _DENIED:
        # A call that this machine's architecture does not have (link on arm64) needs no rule.
        try:
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
        except (ValueError, RuntimeError, OSError):
            continue
    rules.load()
