"""Where the password (or the access token) of the mail server comes from: never from the command line or a file."""

from __future__ import annotations

import importlib
import os

from grader.delivery.mail.settings import MailSettings
from grader.errors import ConfigError

VARIABLE = "GRADER_MAIL_PASSWORD"
SERVICE = "homework-grader mail"
_LONGEST = 100_000


def find_password(settings: MailSettings, descriptor: int | None = None) -> str | None:
    """Return the password: from an open file descriptor, else the environment, else the keyring.

    None where the settings name no user. Raises ConfigError where none is found, or the descriptor cannot be read.
    """
    if settings.user is None:
        return None
    found = _read(descriptor) if descriptor is not None else os.environ.get(VARIABLE) or _ask_keyring(settings.user)
    if not found:
        raise ConfigError(
            f"no password for {settings.host}: set {VARIABLE}, give --password-fd N, or keep it in the keyring "
            f"(keyring set '{SERVICE}' '{settings.user}', after pip install 'homework-grader[keyring]')"
        )
    if not found.isascii():
        raise ConfigError(
            f"the password for {settings.host} holds letters beyond ASCII, which mail servers do not take"
        )
    return found


def _read(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, encoding="utf-8") as stream:
            return stream.read(_LONGEST).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"--password-fd {descriptor}: nothing can be read there") from None


def _ask_keyring(user: str) -> str | None:
    """Return what the system's keyring holds; None where there is none, or the package is not installed."""
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password(SERVICE, user)
    except keyring.errors.KeyringError:  # no keyring is running, or it is locked
        return None
    return found
