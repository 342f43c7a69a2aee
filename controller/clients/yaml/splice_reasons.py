"""What must not or cannot be edited, where it stands, and what a person can do instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from controller.clients.yaml.nodes import SHOWN
from controller.clients.yaml.splice_data import Drop, Insert, Put, Step, bare
from controller.clients.yaml.splice_tree import Span, line_end
from controller.core.document import Parsed, Path
from controller.core.edit import Nth, Target
from controller.core.errors import Diagnostic, Origin, SpecError
from controller.core.suggest import did_you_mean

_TOLD = 8
"""Keys that a message names."""


def refusal(at: Parsed | str, path: Path, message: str, hint: str) -> SpecError:
    """An edit that is not done, with the place it was meant for."""
    if isinstance(at, str):
        return SpecError([Diagnostic(message, Origin(at, 1, 1), hint, code="edit")])
    origin = at.locate(path)
    return SpecError([Diagnostic(message, origin, hint, at.snippet(origin), code="edit")])


def document_index(file: str, parsed: Sequence[Parsed], target: Target) -> int:
    """Which document of a file is meant. Raises SpecError when it is none, or more than one."""
    if isinstance(target, Nth):
        if target.file != file:
            raise refusal(file, (), f"the edit is meant for {target.file}", "splice it into that file")
        if not 0 <= target.index < len(parsed):
            count = f"{len(parsed)} document{'' if len(parsed) == 1 else 's'}"
            raise refusal(file, (), f"the file has {count}; there is no number {target.index}", "they count from 0")
        return target.index
    keys = [_key(each.data) for each in parsed]
    found = [number for number, key in enumerate(keys) if key == str(target)]
    if not found:
        raise refusal(file, (), f"{target} is not written in this file", did_you_mean(str(target), filter(None, keys)))
    if len(found) > 1:
        first = parsed[found[0]].origin.line
        message = f"{target} is written twice in this file; the first is on line {first}"
        raise refusal(parsed[found[1]], ("name",), message, "remove one of them, or give it another name")
    return found[0]


def _key(data: Any) -> str:
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        return ""
    return f"{data['kind'].lower()}/{data.get('name')}"


def resolved(parsed: Parsed, path: Path) -> Any:
    """The data at a path. Raises SpecError when it leads nowhere."""
    data = parsed.data
    for depth, part in enumerate(path):
        data = bare(data)
        shown, here = f"`{str(part)[:SHOWN]}`", path[:depth]
        if isinstance(data, dict):
            if not isinstance(part, str):
                raise refusal(parsed, here, f"this is a mapping and has no entry number {part}", "name one of its keys")
            if part not in data:
                hint = (
                    did_you_mean(part, data) or f"its keys are {', '.join(key[:SHOWN] for key in list(data)[:_TOLD]) or 'none'}"
                )
                raise refusal(parsed, here, f"there is no key {shown} here", hint)
        elif isinstance(data, list):
            if not isinstance(part, int):
                raise refusal(parsed, here, f"this is a list and has no key {shown}", "say which entry by its number, from 0")
            if not 0 <= part < len(data):
                count = f"{len(data)} entr{'y' if len(data) == 1 else 'ies'}"
                raise refusal(parsed, here, f"the list has {count}; there is no number {part}", "they count from 0")
        else:
            what = "empty" if data is None else "a single value"
            raise refusal(
                parsed, here, f"this is {what}, there is no {shown} in it", "set the whole value to a mapping or a list"
            )
        data = data[part]
    return data


def check_step(parsed: Parsed, root: Span, step: Step) -> None:
    """Raise SpecError when a step would change what is written here for more than one place."""
    span, path = root, step.path
    for depth, part in enumerate(path):
        _check_own(parsed, path[:depth], span)
        last = depth + 1 == len(path)
        index = None if last and isinstance(step, Insert) else span.index(part)
        if isinstance(step, Drop) and last and part in _merged(span):
            message = f"`{str(part)[:SHOWN]}` comes through `<<`, and would still be there"
            raise refusal(parsed, path, message, "set it to another value, or edit the mapping that `<<` names")
        if index is None:
            if last and not isinstance(step, Drop):
                return
            message = f"`{str(part)[:SHOWN]}` comes through `<<` from a mapping that others may use too"
            raise refusal(parsed, path[: depth + 1], message, "set it here as a whole, or edit the mapping that `<<` names")
        span = span.child(index)
    if isinstance(step, Put):
        _check_own(parsed, path, span)
    outside = [at for inner in span.all() for at in inner.aliases if not span.start <= at < span.end]
    if outside:
        message = "this has an anchor, and an alias elsewhere means the same value"
        raise refusal(parsed, path, message, "write the value out where the alias is, or edit it by hand")


def _check_own(parsed: Parsed, path: Path, span: Span) -> None:
    if span.means is not None:
        message = "an alias stands here: the value is written elsewhere, for more than one place"
        raise refusal(parsed, path, message, "write the value out instead of the alias, or edit it where its anchor is")
    if span.aliases:
        message = "this has an anchor, and an alias elsewhere means the same value"
        raise refusal(parsed, path, message, "write the value out where the alias is, or edit it by hand")


def _merged(span: Span) -> set[str]:
    """Keys that `<<` brings into a mapping."""
    return {name for key, value in span.entries or () if span.is_merge(key) for name in _names(value)}


def _names(span: Span) -> Iterator[str]:
    span = span.means or span
    for source in span.items or [span]:
        own = source.means or source
        yield from (key.text for key, _ in own.entries or () if not own.is_merge(key))
        yield from _merged(own)


def without_loss(text: str, span: Span) -> bool:
    """True when a value holds nothing but its data: no comment, anchor, alias or tag that writing it anew would lose."""
    reached = span.start
    for each in span.all():
        if each.marked or each.means is not None:
            return False
        if each.entries is None and each.items is None:
            header = text[each.start : line_end(text, each.start)] if each.style in ("|", ">") else ""
            if "#" in text[reached : each.start] or "#" in header:
                return False
            reached = each.end
    return "#" not in text[reached : span.end]
