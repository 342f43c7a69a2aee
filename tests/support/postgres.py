"""A real PostgreSQL server for tests, alone in a `Space`, on a unix socket only."""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.support.roots import BOOKWORM, root_of
from tests.support.space import CommandFailed, Space, wait_until


class Postgres:
    """One PostgreSQL server; `create` makes an empty database and gives its SQLAlchemy URL."""

    def __init__(self) -> None:
        root = root_of(BOOKWORM)
        self._bin = "/" / next(root.glob("usr/lib/postgresql/*/bin")).relative_to(root)
        self.space = Space(root, "postgres")
        # The socket's folder is shared with the machine; the server's user must be able to write there.
        self._sockets = self.space.folder / "sockets"
        self._sockets.mkdir()
        self._sockets.chmod(0o777)
        self._numbers = itertools.count(1)
        try:
            self.space.run("install", "-d", "-o", "postgres", "/run/pg")
            self._as_postgres("initdb", "--auth=trust", "--no-locale", "--encoding=UTF8", "--no-sync", "-D", "/run/pg/data")
            self.start()
        except BaseException:
            self.space.close()
            raise

    def start(self) -> None:
        """Starts the server; returns when it accepts connections."""
        options = ["-D", "/run/pg/data", "-k", str(self._sockets)]
        options += ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"]
        self._server = self.space.start(*self._words("postgres", *options), log="postgres.log")
        wait_until(self._accepts, "PostgreSQL")

    def stop(self) -> None:
        """Stops the server at once, as a crash does; data stays for the next `start`."""
        self._as_postgres("pg_ctl", "-D", "/run/pg/data", "-m", "immediate", "stop")
        self._server.wait(60)

    def create(self) -> str:
        """The URL of a new, empty database."""
        name = f"test{next(self._numbers)}"
        self._as_postgres("createdb", "-h", str(self._sockets), name)
        return f"postgresql+psycopg2://postgres@/{name}?host={self._sockets}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints for one statement, unaligned and without headings."""
        return self._as_postgres("psql", "-h", str(self._sockets), "-d", database, "-XAtc", statement).decode().strip()

    def close(self) -> None:
        self.space.close()

    def _accepts(self) -> bool:
        try:
            self._as_postgres("pg_isready", "-q", "-h", str(self._sockets))
        except CommandFailed:
            return False
        return True

    def _as_postgres(self, program: str, *words: str) -> bytes:
        return self.space.run(*self._words(program, *words))

    def _words(self, program: str, *words: str) -> list[str]:
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", str(Path(self._bin) / program), *words]
