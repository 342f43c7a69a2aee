"""Load: the files of one revision become validated documents. Every problem is reported at once, with its position."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from posixpath import basename, dirname
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from controller.core.document import Files, Parsed, Path, Reader
from controller.core.errors import Diagnostic, Origin, SourceError, SpecError
from controller.core.estate import HomelabSpec
from controller.core.key import Key, is_name
from controller.core.kind import Kind
from controller.core.policy import PolicySpec
from controller.core.resource import Mode
from controller.core.suggest import did_you_mean
from controller.engine.understand import diagnostic, understand

HOMELAB_FILE = "homelab.yaml"
POLICY_FOLDER = "policy/"
PLANNED_KINDS = frozenset(
    [
        "domain",
        "record",
        "route",
        "certificate",
        "device",
        "automation",
        "scene",
        "script",
        "helper",
        "area",
        "app",
        "database",
        "job",
        "secret",
        "mount",
        "backup",
        "model",
        "action",
    ]
)


_NAME = re.compile(r"^name:[ \t]*[\"']?([a-z0-9-]+)", re.MULTILINE)
_OWN_MODELS: dict[str, type[BaseModel]] = {"homelab": HomelabSpec, "policy": PolicySpec}
_OF_AUTOMATIONS = frozenset(["trigger", "triggers", "action", "actions", "use_blueprint"])


class Envelope(BaseModel):
    """What every document has around its `spec`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    name: str
    spec: dict[str, Any] = Field(default_factory=dict)
    apiVersion: str = "homelab/v1"  # noqa: N815 (the name of the field as people write it)
    labels: dict[str, str] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    mode: Mode = Mode.APPLY
    protect: bool = False
    suspend: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a resource is written: what findings about it need of its document."""

    parsed: Parsed
    at: Path
    needs: tuple[Key, ...]
    made_by: Key | None


@dataclass(frozen=True, slots=True)
class Document:
    """A validated document. `at` is the path of its spec inside `parsed` (drafts of a parent point into the parent), `folder`
    where its relative paths start."""

    key: Key
    spec: Any
    parsed: Parsed
    folder: str
    at: Path = ("spec",)
    needs: tuple[Key, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.APPLY
    protect: bool = False
    suspend: bool = False
    made_by: Key | None = None
    settled: bool = False
    """True for a document whose kind already expanded it: only its own object is left to resolve."""

    @property
    def origin(self) -> Origin:
        """Where it is written."""
        return self.parsed.origin

    @property
    def spot(self) -> Spot:
        """Where its resource is written."""
        return Spot(self.parsed, self.at, self.needs, self.made_by)


@dataclass
class Loaded:
    """What the files say: documents, connections, house rules; and what is wrong so far.

    `strays` are YAML files without a `kind`, by path with what to say of them unless a resource turns out to use them; `unread`
    kinds of which a document could not be read; `lost` the names of such documents; `house` is homelab.yaml as written."""

    documents: list[Document] = field(default_factory=list)
    homelab: HomelabSpec = field(default_factory=HomelabSpec)
    policies: dict[str, PolicySpec] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    strays: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    house: Parsed | None = None

    def written(self) -> dict[str, dict[str, BaseModel] | None]:
        """Specs of the documents by kind and name; None for a kind of which not all could be read."""
        found: dict[str, dict[str, BaseModel] | None] = dict.fromkeys(self.unread)
        for document in self.documents:
            of_kind = found.setdefault(document.key.kind, {})
            if of_kind is not None:
                of_kind[document.key.name] = document.spec
        return found


def load(files: Files, reader: Reader, kinds: Mapping[str, Kind]) -> Loaded:
    """Read every YAML file that is not hidden. Problems are collected, never raised."""
    loaded = Loaded()
    for path in files.paths():
        if not path.endswith((".yaml", ".yml")) or any(part.startswith(".") for part in path.split("/")):
            continue
        try:
            parsed = reader(path, files.read(path) or b"")
        except SpecError as error:
            loaded.strays[path] = error.diagnostics
            loaded.lost.update(_NAME.findall((files.read(path) or b"").decode(errors="replace")))
            continue
        except SourceError as error:
            loaded.problems.append(Diagnostic(str(error), Origin(path)))
            continue
        if all(document.data is None for document in parsed):
            # A disk that was full leaves such files; what they declared must not be taken for removed.
            hint = "remove the file when what it declared is to go"
            loaded.strays[path] = (Diagnostic("nothing is declared in this file", Origin(path), hint),)
        for document in parsed:
            _admit(document, path, kinds, loaded)
    return loaded


def _admit(parsed: Parsed, path: str, kinds: Mapping[str, Kind], loaded: Loaded) -> None:
    data = parsed.data
    if data is None:
        return
    if not isinstance(data, dict) or "kind" not in data:
        hint = "start it with `kind:`, `name:` and `spec:`; a file that a service mounts needs no kind"
        if isinstance(data, dict) and "services" in data:
            hint = f"a compose file becomes part of the house through a Stack with `spec: {{file: {basename(path)}}}`"
        if isinstance(data, list) and any(isinstance(each, dict) and each.keys() & _OF_AUTOMATIONS for each in data):
            hint = "this looks like Home Assistant's automations.yaml: `homelab import homeassistant` writes documents of it"
        loaded.strays[path] = (diagnostic(parsed, (), "this is not a homelab document: it has no `kind`", hint),)
        return
    _read(parsed, path, kinds, loaded)


def _read(parsed: Parsed, path: str, kinds: Mapping[str, Kind], loaded: Loaded) -> None:
    """Take in one document. Where something in it is wrong the rest is taken in all the same, to be judged in the same go."""
    kind = str(parsed.data["kind"]).lower()
    model = _OWN_MODELS.get(kind) or (kinds[kind].model if kind in kinds else None)
    understood = understand(Envelope, parsed.data, parsed, ())
    envelope, parsed = understood.model or _nameless(parsed, loaded), understood.parsed
    problems = [_outdented(item, model) for item in understood.problems]
    if envelope is not None:
        problems += _envelope_problems(envelope, parsed, path, kinds)
    name = str(parsed.data.get("name", ""))
    if envelope is not None and model is not None and "spec" not in understood.refused:
        problems += _accept(envelope, model, parsed, loaded)
    else:
        loaded.lost.add(name)
        loaded.unread.add(kind)
    loaded.problems += problems


def _outdented(found: Diagnostic, model: type[BaseModel] | None) -> Diagnostic:
    """A finding about an unknown key of the envelope; one that the kind knows belongs below `spec`."""
    word = found.message.removeprefix("unknown key ").strip("'")
    if model is None or word == found.message or word not in model.model_fields:
        return found
    return replace(found, hint=f"indent it: `{word}` belongs below `spec:`")


def _nameless(parsed: Parsed, loaded: Loaded) -> Envelope | None:
    """A document that lacks nothing but a name, under a name that nobody uses."""
    if "name" in parsed.data or not isinstance(parsed.data["kind"], str):
        return None
    found = understand(Envelope, {**parsed.data, "name": _unnamed(loaded)}, parsed, ())
    return found.model


def _unnamed(loaded: Loaded) -> str:
    return f"without-a-name-{len(loaded.documents) + 1}"


def _accept(envelope: Envelope, model: type[BaseModel], parsed: Parsed, loaded: Loaded) -> Iterable[Diagnostic]:
    """Keep what a document says; what is wrong with its spec."""
    understood = understand(model, envelope.spec, parsed, ("spec",))
    spec = understood.model
    if spec is None:
        loaded.lost.add(envelope.name)
        loaded.unread.add(envelope.kind.lower())
    elif isinstance(spec, HomelabSpec):
        loaded.homelab, loaded.house = spec, understood.parsed
    elif isinstance(spec, PolicySpec):
        loaded.policies[envelope.name] = spec
    else:
        named = is_name(envelope.name)
        loaded.documents.append(
            Document(
                key=Key(envelope.kind.lower(), envelope.name if named else _unnamed(loaded)),
                spec=spec,
                parsed=understood.parsed,
                folder=dirname(parsed.origin.file),
                needs=tuple(_keys(envelope.needs)),
                labels=envelope.labels,
                mode=envelope.mode,
                protect=envelope.protect,
                suspend=envelope.suspend,
            )
        )
    return understood.problems


def _keys(needs: Iterable[str]) -> Iterable[Key]:
    for need in needs:
        with suppress(ValueError):  # told by _envelope_problems
            yield Key.parse(need)


def _envelope_problems(envelope: Envelope, parsed: Parsed, path: str, kinds: Mapping[str, Kind]) -> Iterable[Diagnostic]:
    kind = envelope.kind.lower()
    if kind == "homelab":
        if path != HOMELAB_FILE:
            yield diagnostic(parsed, ("kind",), f"only {HOMELAB_FILE} at the root of the specs may be a Homelab document")
    elif kind == "policy":
        if not path.startswith(POLICY_FOLDER):
            yield diagnostic(parsed, ("kind",), "a Policy belongs under policy/", f"move it to {POLICY_FOLDER}{basename(path)}")
    elif kind in PLANNED_KINDS and kind not in kinds:
        hint = f"what can be declared today: {', '.join(name.capitalize() for name in kinds)}"
        yield diagnostic(parsed, ("kind",), f"kind {envelope.kind!r} is not available yet", hint)
    elif kind not in kinds:
        known = [name.capitalize() for name in kinds] + ["Homelab", "Policy"]
        hint = next((found.called[kind] for found in kinds.values() if kind in found.called), "")
        yield diagnostic(parsed, ("kind",), f"unknown kind {envelope.kind!r}", hint or did_you_mean(envelope.kind, known))
    if not is_name(envelope.name):
        yield diagnostic(
            parsed,
            ("name",),
            f"{envelope.name!r} is not a name",
            "use at most 63 of a-z, 0-9 and inner dashes, for example media-server",
        )
    if envelope.apiVersion != "homelab/v1":
        yield diagnostic(
            parsed, ("apiVersion",), f"apiVersion {envelope.apiVersion!r} is unknown", "write homelab/v1 or leave it out"
        )
    for index, need in enumerate(envelope.needs):
        try:
            Key.parse(need)
        except ValueError as error:
            yield diagnostic(parsed, ("needs", index), str(error))
