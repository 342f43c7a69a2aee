"""ZoneEdit's dynamic interface: three writes and no reads."""

from controller.clients.zoneedit.account import Account
from controller.clients.zoneedit.connection import FIELDS, Connection
from controller.clients.zoneedit.replies import BadToken, NotDynamic, NotSent, TooSoon, Uncertain
from controller.clients.zoneedit.sent import Asked, NameBook, Sent, SentFile, Verb

__all__ = [
    "FIELDS",
    "Account",
    "Asked",
    "BadToken",
    "Connection",
    "NameBook",
    "NotDynamic",
    "NotSent",
    "Sent",
    "SentFile",
    "TooSoon",
    "Uncertain",
    "Verb",
]
