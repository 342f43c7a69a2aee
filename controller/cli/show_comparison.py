"""Two revisions held against each other, as people read it, from its JSON form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from controller.cli.show_findings import finding_lines
from controller.cli.text import Paint, both, counted, table, visible, when

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_MOST_FIELDS = 40


def comparison_lines(found: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """What is wanted otherwise, key by key, and the files that differ."""
    for word, side in (("from", found["old"]), ("to  ", found["new"])):
        revision = side["revision"]
        told = f"{word} {paint(visible(revision['id'])[:10], 'bold')}  {when(revision['at'])}  {visible(revision['subject'])}"
        yield told.rstrip()
    for side in (found["old"], found["new"]):
        if side["findings"]:
            yield paint(f"! {visible(side['revision']['id'])[:10]} is not valid, so only files can be compared:", "yellow")
            yield from finding_lines(side["findings"], paint)
    if not found["keys"] and not found["files"]:
        yield "nothing differs"
        return
    for key in found["keys"]:
        yield ""
        yield from _key_lines(key, paint)
    yield ""
    for file in found["files"]:
        mark, style = _MARKS[file["change"]]
        yield f"{paint(mark, style)} {visible(file['path'])}" + (f"  {visible(file['note'])}" if file["note"] else "")
    yield ""
    yield f"{counted(len(found['keys']), 'key')} and {counted(len(found['files']), 'file')} differ; --patch shows the lines"


def _key_lines(key: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    mark, style = _MARKS[key["change"]]
    yield f"{paint(mark, style)} {paint(visible(key['key']), style)}  {key['change']}, {visible(key['origin'])}"
    for field in key["fields"][:_MOST_FIELDS]:
        old, new = both(field["old"], field["new"])
        values = {"added": new, "removed": old}.get(key["change"]) or f"{paint(old, 'red')} → {paint(new, 'green')}"
        yield f"    {visible(field['path'])}: {values}"
    if len(key["fields"]) > _MOST_FIELDS:
        yield f"    … and {counted(len(key['fields']) - _MOST_FIELDS, 'more field')} (-o json shows all)"


def patch_lines(text: str, paint: Paint) -> Iterator[str]:
    """A patch with colours. Tabs stay as they are: it may be kept in a file."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in text.split("\n")[:-1]:
        yield paint("\t".join(map(visible, line.split("\t"))), styles.get(line[:1], ""))


def commit_lines(commits: Sequence[Mapping[str, Any]], paint: Paint) -> list[str]:
    """One line per commit, newest first."""
    rows = [(item["id"][:10], when(item["at"]), item["author"], item["subject"]) for item in commits]
    return table(("REVISION", "AT", "AUTHOR", "SUBJECT"), rows, paint)
