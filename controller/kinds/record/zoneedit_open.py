"""A ZoneEdit connection as homelab.yaml declares it, opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.clients.dns.servers import Servers
from controller.clients.zoneedit import FIELDS, Account, Connection, SentFile
from controller.core.errors import Problem, Rejected
from controller.core.ports import Provider
from controller.kinds.record.connection import Tools, authority, common_problems, follow
from controller.kinds.record.zoneedit import ZoneEditRecords

_COMMON = ("servers", "public_ip_sources")


def open_zoneedit(name: str, declared: Mapping[str, Any], tools: Tools) -> Mapping[str, Provider]:
    """`{type: zoneedit, user: me, zones: {example.net: {token: {ref: zoneedit/example}}}}`, the intervals and the address of the
    interface (`url`, `dynamic_every`, `txt_every`, `timeout`) and the common fields. Raises Rejected."""
    problems = list(common_problems(declared, FIELDS))
    if declared.get("servers") == []:
        problems.append(Problem(("servers",), "ZoneEdit can only be read at its name servers", "leave servers out"))
    if problems:
        raise Rejected(problems)
    connection = Connection.parse(name, {word: value for word, value in declared.items() if word not in _COMMON})
    tokens = {zone: tools.secret(declared["zones"][zone], "token") for zone in connection.tokens}
    account = Account(connection, tokens, SentFile(tools.state / f"{name}-zoneedit.json"), tools.clock)
    servers = authority(declared, None, tools.clock) or Servers(tools.clock)
    return {"record": ZoneEditRecords(account, servers, *follow(name, declared, tools))}
