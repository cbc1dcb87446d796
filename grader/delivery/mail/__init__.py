"""Feedback by mail: who gets one, what is in it, that it is about nobody else, and that nobody gets it twice.

Data flows one way: what may leave (grader.delivery.ready) → compose (with pictures) → message → privacy → outbox (files
that can be looked at) → ledger (what was sent before) → send (by a courier, at a pace).
"""

from grader.delivery.mail.courier import Courier
from grader.delivery.mail.ledger import Entry, Ledger, open_ledger
from grader.delivery.mail.outbox import Letter, Outbox, prepare, show_preview, write_index
from grader.delivery.mail.pace import Pace
from grader.delivery.mail.secret import find_password
from grader.delivery.mail.send import Sending, send_letters
from grader.delivery.mail.settings import MailSettings, find_ca_file, load_settings

__all__ = [
    "Courier",
    "Entry",
    "Ledger",
    "Letter",
    "MailSettings",
    "Outbox",
    "Pace",
    "Sending",
    "find_ca_file",
    "find_password",
    "load_settings",
    "open_ledger",
    "prepare",
    "send_letters",
    "show_preview",
    "write_index",
]
