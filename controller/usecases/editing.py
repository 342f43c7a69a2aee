"""Editing: a file of the specification as a person may see and change it in a form, and the bytes that come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial

from controller.core.document import Files, Reader
from controller.core.errors import Refused, SourceError, SpecError
from controller.core.key import Key
from controller.core.veil import HIDDEN, hides, veiled
from controller.usecases.propose import Propose
from controller.usecases.proposing_files import Change, declaring

LARGEST = 256 * 1024
"""Bytes of a file that is edited in a form."""
_TURNS = ("0123456789", "abcdef", "ghijklmnopqrstuvwxyz", "ABCDEF", "GHIJKLMNOPQRSTUVWXYZ")
_NEXT = str.maketrans("".join(_TURNS), "".join(letters[1:] + letters[0] for letters in _TURNS))
"""The next letter or digit; among those that stand for a number after an escape, another of those."""
_WORDS = re.compile(r"((?:(?<=\s)|^)[&*!|>][^\s,\[\]{}]*|\\.)|[^\W_]+")
"""What may be other, but (first) anchors, aliases, tags, how a block is written, and what an escape is."""
_LONG = 6
"""Characters of a line that is no accident in a text."""
_INSTEAD = "change it in git, or put the value into the vault"


@dataclass(frozen=True, slots=True)
class EditView:
    """A file to edit, of a revision; its `text` with secrets hidden. `new` = there is no such file yet."""

    file: str
    revision: str
    text: str
    new: bool = False


def editable(propose: Propose, *, key: Key | None = None, file: str = "", proposal: str = "") -> EditView:
    """The file that declares a key, or a named one, on the newest revision or on a proposal's. Raises Refused (nothing declares
    it, the file cannot be edited in a form), NoProposal, SourceError."""
    revision = propose.shelf.pending(proposal).tip if proposal else propose.shelf.source.head().id
    files = propose.shelf.source.read(revision)
    path = _declared_in(propose, key, files) if key is not None else file
    content = files.read(path)
    if content is None:
        return EditView(path, revision, "", new=True)
    return EditView(path, revision, "\n".join(_shown(propose, path, content)))


def edited(propose: Propose, path: str, revision: str, text: str) -> Change:
    """What a person made of a file of a revision in a form. Lines that they left alone keep their very bytes, hidden ones too.
    Proposed, it is Stale when the file has become another since. Raises Refused, SourceError."""
    seen = propose.shelf.source.read(revision)
    content = seen.read(path)
    if content is None:
        return Change({path: text.replace("\r\n", "\n").replace("\r", "\n").encode()}, seen=seen)
    shown = _shown(propose, path, content)
    made, hidden = woven(content, shown, text)
    if path.endswith((".yaml", ".yml")):
        check_texts(partial(_texts, propose.reconciler.linker.reader, path), content, made, hidden)
    return Change({path: made}, seen=seen)


@dataclass(frozen=True, slots=True)
class HiddenLine:
    """A line with something hidden that was kept: its index in the file as it was and as it is now, and the column where what
    is hidden begins."""

    was: int
    now: int
    start: int


def woven(content: bytes, shown: Sequence[str], text: str) -> tuple[bytes, list[HiddenLine]]:
    """`content`, whose lines were `shown` so, with what is different in `text`, and the hidden lines in it. Browsers send CRLF
    whatever they were given; what is new gets the line ends of the rest. Raises Refused when a line with something hidden was
    changed, or would be shown."""
    old = content.split(b"\n")
    new = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = b"\r" if 2 * sum(line.endswith(b"\r") for line in old) > len(old) else b""
    # What is alike at both ends first: among equal lines those are meant that stand where they stood.
    short = min(len(shown), len(new))
    head = next((at for at in range(short) if shown[at] != new[at]), short)
    tail = next((at for at in range(short - head) if shown[-1 - at] != new[-1 - at]), short - head)
    middle, made = new[head : len(new) - tail], list(old[:head])
    kept = [(at, at) for at in range(head)]
    matcher = SequenceMatcher(a=list(shown[head : len(shown) - tail]), b=middle, autojunk=False)
    for kind, left, right, first, last in matcher.get_opcodes():
        if kind == "equal":
            kept += [(head + left + at, len(made) + at) for at in range(right - left)]
            made += old[head + left : head + right]
            continue
        if any(HIDDEN in line for line in middle[first:last]):
            raise Refused(f"a line that holds a secret was changed ({HIDDEN}): {_INSTEAD}")
        made += [line.encode() + end for line in middle[first:last]]
    kept += [(len(old) - tail + at, len(made) + at) for at in range(tail)]
    made += old[len(old) - tail :]
    hidden = [HiddenLine(left, right, shown[left].index(HIDDEN)) for left, right in kept if HIDDEN in shown[left]]
    _check_hidden(old, made, hidden)
    if not tail:
        made[-1] = made[-1].removesuffix(b"\r")  # the last line has no end
    return b"\n".join(made), hidden


def _check_hidden(old: Sequence[bytes], made: Sequence[bytes], hidden: Iterable[HiddenLine]) -> None:
    """None of the hidden lines may show more than it did: what hides a value is often another line, the name above it. Raises
    Refused."""
    before, after = ([line.decode().removesuffix("\r") for line in lines] for lines in (old, made))
    for line in hidden:
        was, now = veiled(before, line.was), veiled(after, line.now)
        if was != before[line.was] and _visible(now, after[line.now]) > _visible(was, before[line.was]):
            raise Refused(f"line {line.now + 1} holds a secret, and what hides it was changed: {_INSTEAD}")


def check_texts(texts: Callable[[bytes], Collection[str]], old: bytes, made: bytes, hidden: Sequence[HiddenLine]) -> None:
    """No hidden line may come to be seen as part of something that is shown: of a text that begins above it, of a name, or by an
    alias. `texts` are those of a content that are shown as values or names. Raises Refused.

    What depends on hidden lines is found out by trying, whatever YAML makes of them: it is another text when other letters stand
    there. What was told already, as the file was, may be told again."""
    told, lines = texts(old), [line.strip() for line in old.decode().split("\n")]
    # A line that is in a text as it is, such as a file that stands in a document: people may change the rest of that text.
    left = [line for line in hidden if not _tells(told, lines[line.was])]
    before = set(told).difference(texts(_other(old, [(line.was, line.start) for line in left])))
    seen = texts(made)
    after = set(seen).difference(texts(_other(made, [(line.now, line.start) for line in left])))
    uncovered = _uncovered(seen)
    if after - before or any(lines[line.was] in text for line in left if lines[line.was] for text in uncovered):
        raise Refused(f"a line that holds a secret would be shown as part of something else: {_INSTEAD}")


def _tells(texts: Iterable[str], line: str) -> bool:
    """True when a line (without the space around it) can be read in one of these texts."""
    return any((line in text and len(line) >= _LONG) or line in map(str.strip, text.split("\n")) for text in texts)


def _uncovered(texts: Iterable[str]) -> list[str]:
    """Texts of which some line would be hidden."""
    found = []
    for text in texts:
        lines = text.split("\n")
        if any(veiled(lines, index) != line for index, line in enumerate(lines)):
            found.append(text)
    return found


def _other(content: bytes, places: Iterable[tuple[int, int]]) -> bytes:
    """The content with other letters and digits in some lines (by index) from a column on. It means the same to YAML."""
    lines = content.decode().split("\n")
    for index, start in places:
        lines[index] = lines[index][:start] + _WORDS.sub(
            lambda found: found[1] or found[0].translate(_NEXT), lines[index][start:]
        )
    return "\n".join(lines).encode()


def _texts(reader: Reader, path: str, content: bytes) -> list[str]:
    """Every text, number and name of a YAML file that no name hides; none when it cannot be understood."""
    with suppress(SpecError, SourceError):
        return [text for parsed in reader(path, content) for text in _open(parsed.data)]
    return []


def _open(data: object) -> Iterator[str]:
    if isinstance(data, Mapping):
        for name, item in data.items():
            yield str(name)
            if not hides(str(name)):
                yield from _open(item)
    elif isinstance(data, (list, tuple)):
        for item in data:
            yield from _open(item)
    elif isinstance(data, (str, int, float)):
        yield str(data)
    elif hasattr(data, "value"):  # what a tag marks
        yield from _open(data.value)


def _visible(shown: str, line: str) -> int:
    return len(line) if shown == line else len(shown) - len(HIDDEN)


def _shown(propose: Propose, path: str, content: bytes) -> list[str]:
    if len(content) > LARGEST:
        raise Refused(f"{path} is too large to be edited here: change it in git")
    try:
        lines = [line.removesuffix("\r") for line in content.decode().split("\n")]
    except UnicodeDecodeError:
        raise Refused(f"{path} is not text") from None
    if not all(line.replace("\t", " ").isprintable() for line in lines):
        raise Refused(f"{path} has characters that cannot be seen: change it in git")
    conceal = propose.reconciler.bench.vault.conceal
    return [conceal(veiled(lines, index)) for index in range(len(lines))]


def _declared_in(propose: Propose, key: Key, files: Files) -> str:
    found = list(declaring(key, files, propose.reconciler.linker.reader))
    shown = propose.reconciler.shown
    made = shown.estate.resources.get(key) if shown is not None and not found else None
    if made is not None:
        return made.origin.file  # it follows from another document, such as the route of an exposed service
    if len(found) != 1:
        raise Refused(f"{key} is written in {', '.join(found) or 'no file'}: name the file to edit")
    return found[0]
