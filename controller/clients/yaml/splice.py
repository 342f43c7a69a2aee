"""Edits of a YAML file that leave every byte alone that they do not name: spans are replaced, and the result is read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

from controller.clients.yaml.reader import read_yaml
from controller.clients.yaml.splice_changes import Change, Place, changed
from controller.clients.yaml.splice_data import Drop, Insert, Put, Step, bare, differing, same, stepped, unwritable
from controller.clients.yaml.splice_reasons import check_step, document_index, refusal, resolved, without_loss
from controller.clients.yaml.splice_text import Manner, block, manner
from controller.clients.yaml.splice_tree import Section, line_start, sections
from controller.core.document import Parsed, Path
from controller.core.edit import AddDocument, AppendValue, Edit, RemoveDocument, RemoveValue, ReplaceSpec, SetValue
from controller.core.errors import SpecError

MOST_STEPS = 200
"""Differing values that one edit may set: the file is read again after each."""
_MODELINE = "# yaml-language-server:"


@dataclass(frozen=True)
class _File:
    path: str
    content: bytes
    parsed: tuple[Parsed, ...]

    @cached_property
    def text(self) -> str:
        return self.content.decode()

    @cached_property
    def all_sections(self) -> list[Section]:
        return sections(self.text)

    @cached_property
    def sections(self) -> list[Section]:
        """Those that say something, as `parsed` has them."""
        return [section for section in self.all_sections if not section.says_nothing]

    @cached_property
    def how(self) -> Manner:
        return manner(self.text, self.all_sections)

    @property
    def documents(self) -> list[Any]:
        return [parsed.data for parsed in self.parsed]

    def place(self, number: int, path: Path, how: Manner) -> Place:
        """Where the value at a path of a document is written: its own entry, on a path without alias and `<<`."""
        place = Place(self.text, how, self.sections[number].root)
        for part in path:
            index = place.span.index(part)
            assert index is not None, "check_step refuses such a path"  # noqa: S101
            place = Place(self.text, how, place.span.child(index), place.span, index)
        return place


def splice(path: str, content: bytes, edits: Sequence[Edit]) -> bytes:
    """The content with the edits in it (`core.edit.Splices`): one dialect and one set of limits with `read_yaml`.

    After every step the result is read again and must mean what the step means, in all documents. Where replacing one span does
    not do, the nearest value around it is written anew, if nothing is lost by that (no comment, anchor, alias, tag is in it).
    Raises SpecError for anything else, with nothing done: a path that leads nowhere, a value that is no plain data, a document
    that is missing or there twice, what is shared through an alias or `<<`, and a file that cannot be read."""
    file = _File(path, content, read_yaml(path, content))
    for edit in edits:
        file = _edited(file, edit)
    return file.content


def _edited(file: _File, edit: Edit) -> _File:
    if isinstance(edit, AddDocument):
        return _added(file, edit)
    number = document_index(file.path, file.parsed, edit.target)
    if isinstance(edit, RemoveDocument):
        return _without(file, number)
    if isinstance(edit, ReplaceSpec):
        edit = SetValue(edit.target, ("spec",), dict(edit.spec))
    steps = _steps(file, number, edit)
    if len(steps) > MOST_STEPS:
        message = f"{len(steps):,} values differ; one edit may change {MOST_STEPS}"
        raise refusal(file.parsed[number], edit.path, message, "make it in several edits, or edit the file by hand")
    for step in steps:
        check_step(file.parsed[number], file.sections[number].root, step)
        expected = file.documents
        expected[number] = stepped(expected[number], step)
        file = _first_that_means(file, expected, _candidates(file, number, step), number, step.path)
    return file


def _steps(file: _File, number: int, edit: SetValue | RemoveValue | AppendValue) -> list[Step]:
    parsed, path = file.parsed[number], edit.path
    if not isinstance(edit, RemoveValue) and (why := unwritable(edit.value)):
        raise refusal(parsed, path, f"this value cannot be written: {why}", "give plain data: text, numbers, lists, mappings")
    if isinstance(edit, AppendValue):
        there = bare(resolved(parsed, path))
        if not isinstance(there, list):
            raise refusal(parsed, path, "this is not a list", "set the whole value to a list with this entry")
        return [Insert((*path, len(there)), edit.value)]
    if isinstance(edit, RemoveValue):
        resolved(parsed, path)
        if not path:
            raise refusal(parsed, path, "a document has no entry without a name", "remove the document, or name the entry")
        return [Drop(path)]
    parent = bare(resolved(parsed, path[:-1]))
    if path and isinstance(parent, dict) and isinstance(path[-1], str) and path[-1] not in parent:
        return [Put(path, edit.value)]
    old, span = resolved(parsed, path), file.sections[number].root
    for part in path:
        index = None if span.means is not None else span.index(part)
        if index is None:
            return list(differing(path, None, old, edit.value))
        span = span.child(index)
    return list(differing(path, span, old, edit.value))


def _candidates(file: _File, number: int, step: Step) -> Iterator[str]:
    """Texts that may mean the step, the one with the fewest changes first."""
    # A comment that stands further right than a new text block would become part of it.
    for how in (file.how, replace(file.how, blocks=False)):
        yield from _endings(file, changed(file.text, _changes(file, number, step, how)))
    whole = stepped(file.parsed[number].data, step)
    for depth in reversed(range(len(step.path))):
        path = step.path[:depth]
        around = file.place(number, path, file.how)
        if not without_loss(file.text, around.span):
            return
        value = reduce(lambda data, part: bare(data)[part], path, whole)
        yield from _endings(file, changed(file.text, around.put(value)))


def _changes(file: _File, number: int, step: Step, how: Manner) -> list[Change]:
    path = step.path
    parent = file.place(number, path[:-1], how)
    index = parent.span.index(path[-1]) if path else 0
    if isinstance(step, Insert) or (isinstance(step, Put) and index is None):
        return parent.insert(path[-1], step.value)
    if isinstance(step, Put):
        return file.place(number, path, how).put(step.value)
    if len(parent.span.entries or parent.span.items or ()) == 1:
        return parent.put({} if parent.span.entries is not None else [])
    return file.place(number, path, how).drop()


def _endings(file: _File, text: str) -> Iterator[str]:
    """The text as it is; and with the line break at its end that a file may lack and a text block needs."""
    yield text
    if not text.endswith(("\n", "\r")):
        yield text + file.how.newline


def _first_that_means(file: _File, expected: list[Any], texts: Iterator[str], number: int, path: Path) -> _File:
    why = "the file would mean something else elsewhere"
    for text in texts:
        content = text.encode()
        try:
            parsed = read_yaml(file.path, content) if content else ()
        except SpecError as error:
            why = f"the file could not be read any more: {error.diagnostics[0].message}"
            continue
        if same([each.data for each in parsed], expected):
            return _File(file.path, content, parsed)
    hint = "make this edit by hand, or write the lines around it in a simpler way first"
    if not file.text.endswith(("\n", "\r")):
        hint = "end the file with a line break first, or make this edit by hand"
    raise refusal(file.parsed[number] if file.parsed else file.path, path, f"this cannot be edited alone: {why}", hint)


def _added(file: _File, edit: AddDocument) -> _File:
    data, text, newline = dict(edit.data), file.text, file.how.newline
    last = len(file.parsed) - 1
    if edit.file != file.path:
        raise refusal(file.path, (), f"the new document is meant for {edit.file}", "splice it into that file")
    if why := unwritable(data) or ("" if data else "it is empty"):
        raise refusal(file.path, (), f"this document cannot be written: {why}", "give plain data with a kind and a name")
    for parsed in file.parsed:
        known = parsed.data if isinstance(parsed.data, dict) else {}
        if "kind" in data and all(known.get(part) == data.get(part) for part in ("kind", "name")):
            raise refusal(parsed, (), "this document is there already", "edit it, or give the new one another name")
    body = newline.join(block(data, 0, file.how))
    final = file.all_sections[-1] if file.all_sections else None
    if final is not None and (final.closed or not final.says_nothing):
        body = f"---{newline}{body}"
    added = f"{text}{body}{newline}" if not text or text.endswith(("\n", "\r")) else f"{text}{newline}{body}"
    return _first_that_means(file, [*file.documents, data], _endings(file, added), last, ())


def _without(file: _File, number: int) -> _File:
    text, section = file.text, file.sections[number]
    expected = file.documents
    del expected[number]
    if not expected:
        return _File(file.path, b"", ())
    start = line_start(text, section.start)
    while not section.separated and start:
        above = line_start(text, start - (2 if text[:start].endswith("\r\n") else 1))
        if not text.startswith("#", above) or text.startswith(_MODELINE, above):
            break
        start = above
    later = [other.start for other in file.all_sections if other.start > section.start]
    end = later[0] if later else len(text)
    return _first_that_means(file, expected, iter([text[:start] + text[end:]]), number, ())
