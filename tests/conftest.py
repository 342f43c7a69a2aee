"""Fixtures that every test folder shares."""

from __future__ import annotations

import signal

pytest_plugins = ["tests.support.fixtures"]

# What a script starts in the background ignores interrupts, and so would every program that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
