"""Editing: a file of the specification as a person may see and change it in a form, and the bytes that come of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher

from controller.core.document import Files, Reader
from controller.core.errors import Refused, SourceError, SpecError
from controller.core.key import Key
from controller.core.veil import HIDDEN, hides, veiled
from controller.usecases.propose import Propose
from controller.usecases.proposing_files import Change, declaring

LARGEST = 256 * 1024
"""Bytes of a file that is edited in a form."""
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
    made = woven(content, shown, text)
    if path.endswith((".yaml", ".yml")):
        hidden = [line.strip() for line, seen_as in zip(content.decode().split("\n"), shown, strict=True) if HIDDEN in seen_as]
        told = _texts(propose.reconciler.linker.reader, path, content)
        check_texts(hidden, told, _texts(propose.reconciler.linker.reader, path, made))
    return Change({path: made}, seen=seen)


def woven(content: bytes, shown: Sequence[str], text: str) -> bytes:
    """`content`, whose lines were `shown` so, with what is different in `text`. Browsers send CRLF whatever they were given; what
    is new gets the line ends of the rest. Raises Refused when a line with something hidden was changed, or would be shown."""
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
    _check_hidden(old, made, [(left, right) for left, right in kept if HIDDEN in shown[left]])
    if not tail:
        made[-1] = made[-1].removesuffix(b"\r")  # the last line has no end
    return b"\n".join(made)


def _check_hidden(old: Sequence[bytes], made: Sequence[bytes], kept: Iterable[tuple[int, int]]) -> None:
    """Of the hidden lines that were kept (their old and new places), none may show more than it did: what hides a value is often
    another line, the name above it. Raises Refused."""
    before, after = ([line.decode().removesuffix("\r") for line in lines] for lines in (old, made))
    for left, right in kept:
        was, now = veiled(before, left), veiled(after, right)
        if was != before[left] and _visible(now, after[right]) > _visible(was, before[left]):
            raise Refused(f"line {right + 1} holds a secret, and what hides it was changed: {_INSTEAD}")


def check_texts(hidden: Iterable[str], told: Collection[str], made: Collection[str]) -> None:
    """No hidden line may become part of a text that is shown as a value, such as a description that begins above it; those of
    the file as it was were `told` anyway. Raises Refused."""
    uncovered = [text for text in made if any(each != line for each, line in zip(*_both(text), strict=True))]
    for line in filter(None, hidden):  # a blank line is in every text
        if any(line in text for text in uncovered) and not any(line in text for text in told):
            raise Refused(f"a line that holds a secret would become part of a text: {_INSTEAD}")


def _both(text: str) -> tuple[list[str], list[str]]:
    lines = text.split("\n")
    return [veiled(lines, index) for index in range(len(lines))], lines


def _texts(reader: Reader, path: str, content: bytes) -> list[str]:
    """Every text of a YAML file that no name hides; none when it cannot be understood."""
    with suppress(SpecError, SourceError):
        return [text for parsed in reader(path, content) for text in _open(parsed.data)]
    return []


def _open(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for name, item in data.items():
            if not hides(str(name)):
                yield from _open(item)
    elif isinstance(data, (list, tuple)):
        for item in data:
            yield from _open(item)


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
