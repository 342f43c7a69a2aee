"""A controller's one pass that dies while it orders a certificate: `python -m tests.support.dying_order PLACE` (`nowhere` = not).

Killed with SIGKILL at the PLACE, as a power cut does."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from acme.client import ClientV2

from controller.clients.acme import authority
from controller.kinds.certificate.proofs import Proofs
from controller.kinds.certificate.shelf import Shelf
from controller.settings import read_settings
from controller.wire import open_house

PLACES: dict[str, tuple[Any, str]] = {
    "noted": (Proofs, "_edit"),
    "shown": (ClientV2, "answer_challenge"),
    "answered": (ClientV2, "poll"),
    "cleaned": (ClientV2, "begin_finalization"),
    "issued": (authority, "sealed"),
    "kept": (Shelf, "hand"),
}
"""What has just happened at each place, and the function that is not reached any more."""


def _die(*_words: Any, **_more: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """One pass."""
    if sys.argv[1] in PLACES:
        owner, name = PLACES[sys.argv[1]]
        setattr(owner, name, _die)
    with open_house(read_settings(), write=True) as house:
        report = house.reconciler.reconcile("test", "tester")
        house.keep_up()
        for status in report.statuses:
            sys.stdout.write(f"{status.key} {status.sync} {status.why}\n")


if __name__ == "__main__":
    main()
