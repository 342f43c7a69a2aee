"""Log lines of the controller: one record, one line, with what it is about. No text in it makes a line of its own or acts on a
terminal."""

from __future__ import annotations

import logging
import sys

from controller.cli.text import visible

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class OneLine(logging.Formatter):
    """`WARNING: the words key=value`; what an exception said follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        about = [f"{name}={visible(value)}" for name, value in vars(record).items() if name not in _STANDARD]
        line = " ".join([f"{record.levelname}: {visible(record.getMessage())}", *about])
        if record.exc_info:
            line += "".join(f"\n    {visible(each)}" for each in self.formatException(record.exc_info).splitlines())
        return line


def log_to_terminal() -> None:
    """Write warnings and worse to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
