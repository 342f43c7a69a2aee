"""`homelab run`: the controller with its page, until it is told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as Flag
from threading import Thread, current_thread, main_thread
from types import FrameType

from controller.clients.clock import SystemClock
from controller.clients.tally import TALLY
from controller.core.errors import LeaseHeld
from controller.core.event import Report
from controller.core.ports import Clock
from controller.loop.health import HealthRecorder
from controller.loop.lease import FileLock
from controller.loop.loop import Loop
from controller.loop.notifier import Notifier
from controller.loop.tender import Tender
from controller.settings import Settings
from controller.wire.house import House, built
from controller.wire.sign_in import open_sign_in

ENDED, FAILED, INTERRUPTED = 0, 1, 130
Reach = Mapping[str, Iterable[str]]
"""How people reach the page: `public` and `trusted`, as `create_app` takes them."""


@dataclass(frozen=True, slots=True)
class Running:
    """What a person is told when the controller stands. `link` lets a browser in once (only at first start, else "")."""

    address: str
    link: str
    world: str
    leading: bool
    holder: str


def run_controller(
    settings: Settings,
    told: Callable[[Running], None],
    *,
    stop: Flag | None = None,
    public: Iterable[str] = (),
    trusted: Iterable[str] = (),
    clock: Clock | None = None,
) -> int:
    """Bring the store up to date (after a copy), settle what is open, make passes and serve the page and the socket until
    SIGTERM, SIGINT or `stop`; returns the exit code. `told` hears once, on this thread, that it stands. Prints nothing.

    Raises LeaseHeld when a controller already runs with this state folder, SettingsError, SourceError, JournalError."""
    lock = FileLock(settings.state / "controller.lock")
    if not lock.take():
        raise LeaseHeld(f"a controller already runs with this state folder ({settings.state})")
    try:
        with built(settings, clock or SystemClock()) as house, _signals(stop or Flag()) as (flag, code):
            _serve(house, flag, told, {"public": public, "trusted": trusted}, code)
            return code[0]
    finally:
        lock.leave()


def _serve(house: House, stop: Flag, told: Callable[[Running], None], reach: Reach, code: list[int]) -> None:
    from controller.web.app import create_app
    from controller.web.metrics import Meter
    from controller.web.server import serve

    reconciler = house.reconciler
    meter = Meter(house.desk.look, house.world, TALLY.counts)
    notifier = Notifier(house.notices, lambda: house.seat.held, house.clock, house.chronicle.settled)

    recorder = HealthRecorder(house.store.health, lambda: house.seat.held)

    def passed(report: Report | None, seconds: float) -> None:
        meter.passed(report, seconds)
        notifier.passed(report, seconds)
        tender.passed(report)
        recorder.passed(report)

    tender = Tender(house.proposals.tend, lambda: loop.kick("proposal"), lambda: house.seat.held, house.clock)
    loop = Loop(reconciler, house.source, house.seat, house.chronicle, house.source.watch_paths, house.keep_up, passed)
    house.desk = house.desk_with(loop.run_now, loop.kick)
    access = house.access()
    house.board.follow(lambda: reconciler.last, lambda: house.seat.held, house.store)
    sign_in = open_sign_in(house, access)
    app = create_app(house.desk, access, meter=meter, sign_in=sign_in, public=reach["public"], trusted=reach["trusted"])
    ended, standing = Flag(), _Standing()
    # The page first: an address that cannot be had ends this before anything is written.
    page = serve(app, house.settings.address, house.settings.socket, ended, standing.at)
    try:
        notifier.start()
        tender.start()
        loop.start()
        if _until(standing.flag, page, house.clock, stop):
            invitation = access.first_invitation()
            link = f"{standing.address}/#token={invitation}" if invitation and standing.address else ""
            told(Running(standing.address, link, house.world, house.seat.held, house.seat.holder))
        if not _until(stop, page, house.clock):
            code[0] = FAILED
    finally:
        ended.set()
        notifier.stop()
        tender.stop()
        loop.stop(recorder.stop)
        page.join()


class _Standing:
    """Where the page stands, told on the page's own thread."""

    def __init__(self) -> None:
        self.flag = Flag()
        self.address = ""

    def at(self, address: str) -> None:
        self.address = address
        self.flag.set()


def _until(flag: Flag, page: Thread, clock: Clock, stop: Flag | None = None) -> bool:
    """Wait for a flag; False when the page has ended by itself, or `stop` came first."""
    while not clock.wait(flag, 0.05 if stop is not None else 1.0):
        if not page.is_alive() or (stop is not None and stop.is_set()):
            return flag.is_set()
    return True


@contextmanager
def _signals(stop: Flag) -> Iterator[tuple[Flag, list[int]]]:
    """SIGTERM and SIGINT set the flag while this is open (they come to the main thread only); the exit code that follows from
    them is the list's only item."""
    code = [ENDED]
    if current_thread() is not main_thread():
        yield stop, code
        return

    def end(number: int, _frame: FrameType | None) -> None:
        code[0] = INTERRUPTED if number == signal.SIGINT else ENDED
        stop.set()

    known = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop, code
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)
