"""Hosts, and what hangs on what, as people read them, from their JSON form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.cli.show_findings import backend_lines
from controller.cli.text import Cell, Paint, table, visible, when, wrapped

_GOOD = {"Synced", "Healthy", ""}


def domains_lines(found: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """One line per host, then what is wrong with some of them."""
    yield from backend_lines(found["backends"], paint)
    if found["reason"]:
        yield from (paint(line, "yellow") for line in wrapped(f"! {visible(found['reason'])}", paint.columns, "  "))
    if not found["hosts"]:
        yield "no host is declared: a Domain, a Route or `expose:` makes one"
        return
    head = ("HOST", "RECORDS", "ADDRESS", "CERTIFICATE", "ROUTE", "SERVICE", "EXPOSURE")
    yield from table(head, [_host(host) for host in found["hosts"]], paint)
    troubles = dict.fromkeys(line for host in found["hosts"] for line in _troubles(host))
    if troubles:
        yield ""
        for line in troubles:
            yield from wrapped(f"{paint('!', 'yellow')} {line}", paint.columns, "  ")


def _host(host: Mapping[str, Any]) -> tuple[Cell, ...]:
    certificate, route = host["certificate"], host["route"]
    return (
        host["host"],
        _worst(host["records"]),
        ", ".join(host["address"]),
        _certificate(certificate) if certificate else "",
        _worst([route]) if route else "",
        host["service"] or (route["target"] if route else ""),
        host["exposure"],
    )


def _worst(items: list[Mapping[str, Any]]) -> tuple[str, str]:
    """What is not as it should be, of the first that is not; its style."""
    bad = next((item for item in items if not {item["sync"], item["health"]} <= _GOOD), None)
    if bad is None:
        return ("ok", "green") if items else ("", "")
    return ", ".join(word for word in (bad["sync"], bad["health"]) if word not in _GOOD), "yellow"


def _certificate(found: Mapping[str, Any]) -> Cell:
    text, style = _worst([found])
    days = "" if found["days"] is None else f", {found['days']} d left"
    return f"{text}, {found['issued_by'] or found['issuer']}{days}", style


def _troubles(host: Mapping[str, Any]) -> Iterator[str]:
    parts = [
        *host["records"],
        *([host["certificate"]] if host["certificate"] else []),
        *([host["route"]] if host["route"] else []),
    ]
    for part in parts:
        if part["why"]:
            yield f"{visible(part['key'])}: {visible(part['why'])}"
        if part.get("seen") is not None and sorted(part["seen"]) != sorted(part["wanted"]):
            wanted, shows = ", ".join(part["wanted"]), ", ".join(part["seen"]) or "nothing"
            yield f"{visible(part['key'])}: wants {visible(wanted)}, shows {visible(shows)}"


def tree_lines(found: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """Everything from what nothing comes before, each once; what was shown before is only named."""
    yield from backend_lines(found["backends"], paint)
    nodes = {node["id"]: node for node in found["nodes"]}
    after: dict[str, list[tuple[str, str]]] = {}
    for edge in found["edges"]:
        after.setdefault(edge["source"], []).append((edge["target"], edge["word"]))
    follows = {edge["target"] for edge in found["edges"]}
    shown: set[str] = set()
    if not nodes:
        yield "nothing is declared"
    for name in sorted(nodes, key=lambda name: (name in follows, nodes[name]["kind"] != "zone")):
        if name not in shown and name in after:
            shown.add(name)
            yield _named(nodes[name], paint)
            yield from _below(name, nodes, after, shown, "", paint)
    alone = [node for name, node in nodes.items() if name not in shown]
    if alone:
        yield "" if shown else "nothing hangs together"
        yield "on their own"
        yield from (f"  {_named(node, paint)}" for node in alone)


def _below(
    name: str,
    nodes: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, list[tuple[str, str]]],
    shown: set[str],
    indent: str,
    paint: Paint,
) -> Iterator[str]:
    """What comes after a node, deepest first; without recursion: a chain may be long."""
    waiting = [(target, word, indent, at == len(after[name]) - 1) for at, (target, word) in enumerate(after[name])][::-1]
    while waiting:
        target, word, before, last = waiting.pop()
        again = target in shown
        more = " (see above)" if again and target in after else ""
        yield f"{before}{'└─' if last else '├─'} {word} {_named(nodes[target], paint)}{more}"
        if again:
            continue
        shown.add(target)
        inner, several = before + ("   " if last else "│  "), after.get(target, [])
        waiting += [(each, how, inner, at == len(several) - 1) for at, (each, how) in enumerate(several)][::-1]


def _named(node: Mapping[str, Any], paint: Paint) -> str:
    words = [word for word in (node["sync"], node["health"]) if word]
    style = "green" if set(words) <= _GOOD else "yellow"
    stands = f"  {paint(' '.join(map(visible, words)), style)}" if words else ""
    return f"{paint(visible(node['id']), 'bold')}{stands}"


def decisions_lines(found: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """What waits for a word, what failed, what is left alone, and what people said; each with why."""
    rows = [*map(_open, found["open"]), *map(_failed, found["quarantined"]), *map(_suspended, found["suspended"])]
    rows += map(_said, found["said"])
    if not rows:
        yield "nothing waits for a word, and nothing is left alone"
        return
    yield from table(("WHAT", "ROLLOUT", "KEYS", "SINCE", "WHY"), rows, paint)


def _open(item: Mapping[str, Any]) -> tuple[Cell, ...]:
    word = ("held", "yellow") if item["verdict"] == "hold" else ("denied", "red")
    return word, item["digest"][:12], ", ".join(change["key"] for change in item["changes"]), "", _why(item["rule"], item)


def _failed(item: Mapping[str, Any]) -> tuple[Cell, ...]:
    return ("failed", "red"), item["digest"][:12], ", ".join(sorted(item["wanted"])), when(item["at"]), item["reason"]


def _suspended(item: Mapping[str, Any]) -> tuple[Cell, ...]:
    return ("suspended", "dim"), "", item["key"], when(item["at"]), _why(item["by"], item)


def _said(item: Mapping[str, Any]) -> tuple[Cell, ...]:
    word = ("approved", "green") if item["approved"] else ("rejected", "red")
    return word, item["digest"][:12], "", when(item["at"]), _why(item["by"], item)


def _why(who: str, item: Mapping[str, Any]) -> str:
    return f"{who}: {item['reason']}" if item["reason"] else who
