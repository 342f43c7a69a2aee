"""Fixtures that every test folder shares."""

from __future__ import annotations

import signal

from hypothesis import settings

pytest_plugins = ["tests.support.fixtures"]

# What a script starts in the background ignores interrupts, and so would every program that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, at whatever speed: what passes once passes always.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")
