"""Names in Home Assistant: ids, titles, icons, and the documents of a revision that an id belongs to. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from controller.clients.homeassistant.declared import connection_of
from controller.core.errors import Problem, Rejected
from controller.core.key import Claim, Key
from controller.core.kind import Surroundings
from controller.core.secret import has_credentials

LONGEST = 255
_ID = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
_ENTITY = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*\.[a-z0-9]+(?:_[a-z0-9]+)*")
_ICON = re.compile(r"[A-Za-z0-9_-]+:[A-Za-z0-9_.-]+")
_PLAIN = re.compile(r"[A-Za-z0-9_ -]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
Value = TypeVar("Value")
Read = TypeVar("Read")


class Unfit(ValueError):
    """A value that Home Assistant does not take; `hint` says what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


@dataclass
class Findings:
    """What is wrong with a spec, collected while its values are read."""

    problems: list[Problem] = field(default_factory=list)

    def read(self, path: tuple[str | int, ...], value: Value, reader: Callable[[Value], Read]) -> Read | None:
        """What a reader makes of a value; None when it raises Unfit, which is kept as a problem at `path`."""
        try:
            return reader(value)
        except Unfit as error:
            self.problems.append(Problem(path, str(error), error.hint))
            return None

    def add(self, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        """Keep a problem."""
        self.problems.append(Problem(path, message, hint))

    def end(self) -> None:
        """Raises Rejected when something is wrong."""
        if self.problems:
            raise Rejected(self.problems)


class Named(Protocol):
    """A spec of something with an id of its own."""

    id: str
    via: str


class Typed(Named, Protocol):
    """A spec of a helper."""

    type: str


def identified(name: str, declared: str) -> str:
    """The id of a document's object: the declared one, or the name with `_` for `-`. Raises Unfit."""
    found = declared or name.replace("-", "_")
    if not _ID.fullmatch(found):
        raise Unfit(f"{found!r} cannot be an id in Home Assistant", "use a-z, 0-9 and single inner _")
    return found


def entity_id(text: str) -> str:
    """An entity id. Raises Unfit."""
    if not _ENTITY.fullmatch(text):
        raise Unfit(f"{text!r} is not an entity id", "write domain.name, such as light.desk, with a-z, 0-9 and single inner _")
    return text


def title(text: str) -> str:
    """A name for people. Raises Unfit."""
    found = text.strip()
    if not found:
        raise Unfit("a name cannot be empty", "leave it out to have the document's name in words")
    if _CONTROL.search(found) or len(found) > LONGEST:
        raise Unfit(f"a name is one line of at most {LONGEST} characters")
    if has_credentials(found):
        raise Unfit("a name cannot hold a password, and the address in it has one", "everybody may see names: leave it out")
    return found


def optional_title(text: str) -> str | None:
    """A name for people, None for an empty one. Raises Unfit."""
    return title(text) if text.strip() else None


def in_words(name: str) -> str:
    """A document's name for people: `living-room` is Living room."""
    text = name.replace("-", " ")
    return text[:1].upper() + text[1:]


def icon(text: str) -> str | None:
    """An icon, None for an empty one. Raises Unfit."""
    if text and not _ICON.fullmatch(text):
        hint = f"did you mean `mdi:{text}`?" if re.fullmatch(r"[a-z0-9-]+", text) else "write prefix:name, such as mdi:lamp"
        raise Unfit(f"{text!r} is not an icon", hint)
    return text or None


def aliases(texts: Iterable[str]) -> list[str]:
    """Other names, in no order, as sorted. Raises Unfit."""
    return sorted({title(text) for text in texts})


def slug(text: str) -> str | None:
    """The id that Home Assistant makes of a title, None where only Home Assistant knows (letters beyond a-z)."""
    return "_".join(re.findall(r"[a-z0-9]+", text.lower())) or None if _PLAIN.fullmatch(text) else None


def first_title(address: str, wanted: str) -> str:
    """The title under which an object must be created to get an id: an id comes from the title at creation and stays."""
    return wanted if slug(wanted) == address else address


def claim(connection: str, kind: str, address: str) -> Claim:
    """What only one document may hold."""
    return f"home:{connection}:{kind}:{address}"


def identity(found: Findings, name: str, declared: str, called: str) -> tuple[str, str]:
    """Id and name of an entry of a registry: as declared, or as the document's name says."""
    address = found.read(("id",) if declared else (), declared, lambda text: identified(name, text)) or ""
    return address, found.read(("name",), called or in_words(name), title) or ""


def entry_claims(connection: str, kind: str, address: str, called: str) -> tuple[Claim, Claim]:
    """Only one document may hold an id of a registry, and only one a name, for which case and spaces do not count there."""
    return claim(connection, kind, address), claim(connection, f"{kind}-name", called.casefold().replace(" ", ""))


def declared_as(kind: str, text: str, connection: str, around: Surroundings) -> tuple[str, Key | None]:
    """The id that is meant by a text, and the document of this revision that declares it, if one does: a document's name is as
    good as its id."""
    for name, spec in cast(Mapping[str, Named], around.others(kind)).items():
        address = spec.id or name.replace("-", "_")
        if text in (name, address) and _stands_on(connection, spec.via, around):
            return address, Key(kind, name)
    return text.replace("-", "_"), None


def declared_entity(text: str, connection: str, around: Surroundings) -> Key | None:
    """The document of this revision that makes an entity: a helper, or a script."""
    domain, _, address = text.partition(".")
    for name, spec in cast(Mapping[str, Typed], around.others("helper")).items():
        if spec.type == domain and (spec.id or name.replace("-", "_")) == address and _stands_on(connection, spec.via, around):
            return Key("helper", name)
    if domain == "script":
        return declared_as("script", address, connection, around)[1]
    return None


def _stands_on(connection: str, via: str, around: Surroundings) -> bool:
    try:
        return connection_of(via, around.connections) == connection
    except Rejected:
        return False


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping without what is not set."""
    return {name: value for name, value in fields.items() if value is not None}
