"""Files of two revisions, line by line: what came, what went, and what stands around it. Secrets in lines are hidden."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from controller.core.document import Files
from controller.core.errors import SourceError
from controller.core.veil import veiled
from controller.usecases.concealing import Conceal, concealed

Shown = Callable[[Sequence[str], int], str]
"""A line of a text as it may be shown, by its number from 0."""

MOST_LINES = 4000
"""Lines of a file that is compared line by line; a longer one is only named."""
_MOST_SHOWN = 6000
"""Lines that one comparison shows, of all files together."""
_AROUND = 3
_NUL = "\x00"
"""A file with such a character is not text."""


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of a comparison: its number in the old and in the new file (null = it is not there) and its text, secrets hidden.
    `open` = it is the end of a file that does not end with a line break."""

    old: int | None
    new: int | None
    text: str
    open: bool = False

    @property
    def sign(self) -> str:
        """As in a patch: `-` went, `+` came, a space stayed."""
        return "-" if self.new is None else "+" if self.old is None else " "


@dataclass(frozen=True, slots=True)
class FileView:
    """One file that differs: added, removed or changed. `hunks` are the places, each with the lines around it; without any,
    `note` says why none are shown."""

    path: str
    change: str
    hunks: tuple[tuple[LineView, ...], ...] = ()
    note: str = ""


def differing_files(old: Files, new: Files, conceal: Conceal) -> tuple[FileView, ...]:
    """Every file that differs, by path. `conceal` takes known secret values out of a text."""
    found: list[FileView] = []
    room = _MOST_SHOWN
    for path in sorted({*old.paths(), *new.paths()}):
        before, after = old.identity(path), new.identity(path)
        if before == after:
            continue
        change = "added" if before is None else "removed" if after is None else "changed"
        view = _compared(path, change, old, new)
        lines = sum(map(len, view.hunks))
        if lines > room:
            view, lines = replace(view, hunks=(), note="not shown: this comparison has too many lines"), 0
        room -= lines
        found.append(view)
    return tuple(_concealed(found, conceal))


def patch(files: Iterable[FileView]) -> str:
    """The files as a unified patch. What is hidden in it stays hidden: it is for reading, and applies where no secret stands."""
    return "".join(line + "\n" for file in files for line in _patch_lines(file)) or "# nothing differs\n"


def _compared(path: str, change: str, old: Files, new: Files) -> FileView:
    texts: list[list[str]] = []
    for files in (old, new):
        try:
            content = files.read(path)
        except SourceError as error:
            return FileView(path, change, note=str(error))
        try:
            text = (content or b"").decode("utf-8")
        except UnicodeDecodeError:
            text = _NUL
        if _NUL in text:
            return FileView(path, change, note="not text")
        texts.append(_lines(text))
    if max(map(len, texts)) > MOST_LINES:
        return FileView(path, change, note=f"not shown: more than {MOST_LINES} lines")
    before, after = texts
    return FileView(path, change, tuple(hunks(before, after, veiled)), "" if before or after else "empty")


def _lines(text: str) -> list[str]:
    """Lines with their breaks, split where git splits them."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def hunks(
    old: Sequence[str], new: Sequence[str], shown: Shown = lambda lines, at: lines[at], around: int = _AROUND
) -> Iterator[tuple[LineView, ...]]:
    """The places where two texts differ, with so many lines around each. Lines come with their breaks."""
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(around):
        lines: list[LineView] = []
        for kind, start, stop, begin, end in group:
            if kind == "equal":
                lines += [_line(old, at, at + 1, at - start + begin + 1, shown) for at in range(start, stop)]
            else:
                lines += [_line(old, at, at + 1, None, shown) for at in range(start, stop)]
                lines += [_line(new, at, None, at + 1, shown) for at in range(begin, end)]
        yield tuple(lines)


def _line(lines: Sequence[str], at: int, old: int | None, new: int | None, shown: Shown) -> LineView:
    return LineView(old, new, shown(lines, at).removesuffix("\n"), open=not lines[at].endswith("\n"))


def _concealed(files: Sequence[FileView], conceal: Conceal) -> Iterator[FileView]:
    texts = iter(concealed([line.text for file in files for hunk in file.hunks for line in hunk], conceal))
    for file in files:
        hunks = tuple(tuple(replace(line, text=next(texts)) for line in hunk) for hunk in file.hunks)
        yield replace(file, hunks=hunks)


def _patch_lines(file: FileView) -> Iterator[str]:
    path = file.path if file.path.isprintable() and '"' not in file.path else json.dumps(file.path)
    if file.note:
        yield f"# {path}: {file.change}, {file.note}"
        return
    yield f"--- {'/dev/null' if file.change == 'added' else f'a/{path}'}"
    yield f"+++ {'/dev/null' if file.change == 'removed' else f'b/{path}'}"
    for hunk in file.hunks:
        yield f"@@ -{_span([line.old for line in hunk])} +{_span([line.new for line in hunk])} @@"
        for line in hunk:
            yield line.sign + line.text
            if line.open:
                yield "\\ No newline at end of file"


def _span(numbers: Sequence[int | None]) -> str:
    there = [number for number in numbers if number is not None]
    return f"{there[0]},{len(there)}" if there else "0,0"
