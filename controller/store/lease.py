"""The writing lease: one row, whose fencing number rises with every new holder."""

from __future__ import annotations

from sqlalchemy import Connection, Row, select, update

from controller.core.errors import JournalError
from controller.store.database import Database
from controller.store.tables import lease


class Lease:
    """Our hold on the lease. Every method works inside the caller's transaction; on a server the row is locked until it ends, so
    nobody can take over between our check and our commit. Times are the database's (`Database.now`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fence: int | None = None
        self._seconds = 0.0
        self._locked = select(lease.c.holder, lease.c.fence, lease.c.until).with_for_update()

    def claim(self, connection: Connection, holder: str, seconds: float) -> int | None:
        """Takes or renews it: the fencing number to `settle` on after the commit, None while another holder's has not ended."""
        row, now = self._row(connection), self._database.now(connection)
        fence = row.fence
        if fence != self._fence:
            if row.holder not in ("", holder) and row.until > now:
                return None
            fence += 1
        connection.execute(update(lease).values(holder=holder, fence=fence, until=now + seconds))
        return int(fence)

    def settle(self, fence: int | None, seconds: float = 0.0) -> None:
        """What a committed `claim` or `leave` means for us."""
        self._fence, self._seconds = fence, seconds

    def leave(self, connection: Connection) -> None:
        """Gives it back when it is still ours."""
        connection.execute(update(lease).where(lease.c.fence == self._fence).values(holder="", until=0.0))

    def require(self, connection: Connection) -> None:
        """Raises JournalError unless it is ours. A hold with less than half of its time left is renewed, so that the call which
        follows an intent is covered."""
        if self._fence is None:
            raise JournalError("this store does not hold the writing lease: nothing is written")
        row = self._row(connection)
        if row.fence != self._fence:
            raise JournalError(f"the writing lease was lost to {row.holder or 'another controller'}: nothing is written")
        now = self._database.now(connection)
        if row.until < now + self._seconds / 2:
            connection.execute(update(lease).values(until=now + self._seconds))

    def wait(self, connection: Connection) -> None:
        """Returns when nobody else is inside a transaction that checks the lease; nobody gets into one until ours ends."""
        self._row(connection)

    def refuse_when_lost(self, connection: Connection) -> None:
        """Raises JournalError when it was ours and is no longer; a store that never led may go on."""
        if self._fence is not None:
            self.require(connection)

    def leader(self, connection: Connection) -> tuple[str, float]:
        """Holder and end, or ("", 0.0) when there is none."""
        row = connection.execute(select(lease.c.holder, lease.c.until)).one()
        if not row.holder or row.until <= self._database.now(connection):
            return "", 0.0
        return row.holder, row.until

    def _row(self, connection: Connection) -> Row[str, int, float]:
        return connection.execute(self._locked).one()
