"""Which secret versions the records of a store name."""

from __future__ import annotations

import json

from sqlalchemy import Connection, select

from controller.core.secret import SecretVersion, secrets_in
from controller.store import tables

_AT_ONCE = 200


def named_in(connection: Connection) -> set[SecretVersion]:
    """Every secret version in the ledger and the journal. Records are read a few at a time: a journal can be long."""
    found: set[SecretVersion] = set()
    for table in (tables.ledger, tables.entries):
        with_secrets = select(table.c.data).where(table.c.data.contains('"fingerprint"'))
        for data in connection.execution_options(yield_per=_AT_ONCE).execute(with_secrets).scalars():
            found.update(secrets_in(json.loads(data)))
    return found
