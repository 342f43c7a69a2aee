"""Load: the files of one revision become validated documents. Every problem is reported at once, with its position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from posixpath import basename, dirname
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.core.document import Files, Parsed, Path, Reader
from controller.core.errors import Diagnostic, Origin, Severity, SourceError, SpecError
from controller.core.estate import HomelabSpec
from controller.core.key import Key, is_name
from controller.core.kind import Kind
from controller.core.policy import PolicySpec
from controller.core.resource import Mode
from controller.core.suggest import did_you_mean

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


_OWN_MODELS: dict[str, type[BaseModel]] = {"homelab": HomelabSpec, "policy": PolicySpec}


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


@dataclass(frozen=True)
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


@dataclass
class Loaded:
    """What the files say: documents, connections, house rules; and what is wrong so far.

    `strays` are YAML files without a `kind`, by path with what to say of them unless a resource turns out to use them; `unread`
    kinds of which a document is wrong; `house` is homelab.yaml as written."""

    documents: list[Document] = field(default_factory=list)
    homelab: HomelabSpec = field(default_factory=HomelabSpec)
    policies: dict[str, PolicySpec] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    strays: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
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
        loaded.strays[path] = (_finding(parsed, (), "this is not a homelab document: it has no `kind`", hint),)
        return
    try:
        envelope = Envelope.model_validate(data)
    except ValidationError as error:
        loaded.problems += validation_diagnostics(error, parsed, (), Envelope)
        loaded.unread.add(str(data["kind"]).lower())
        return
    problems = list(_envelope_problems(envelope, parsed, path, kinds))
    loaded.problems += problems
    if problems:
        loaded.unread.add(envelope.kind.lower())
    else:
        _accept(envelope, parsed, kinds, loaded)


def _accept(envelope: Envelope, parsed: Parsed, kinds: Mapping[str, Kind], loaded: Loaded) -> None:
    kind = envelope.kind.lower()
    model = _OWN_MODELS.get(kind) or kinds[kind].model
    try:
        spec = model.model_validate(envelope.spec)
    except ValidationError as error:
        loaded.problems += validation_diagnostics(error, parsed, ("spec",), model)
        loaded.unread.add(kind)
        return
    if isinstance(spec, HomelabSpec):
        loaded.homelab, loaded.house = spec, parsed
    elif isinstance(spec, PolicySpec):
        loaded.policies[envelope.name] = spec
    else:
        loaded.documents.append(
            Document(
                key=Key(kind, envelope.name),
                spec=spec,
                parsed=parsed,
                folder=dirname(parsed.origin.file),
                needs=tuple(Key.parse(need) for need in envelope.needs),
                labels=envelope.labels,
                mode=envelope.mode,
                protect=envelope.protect,
                suspend=envelope.suspend,
            )
        )


def _envelope_problems(envelope: Envelope, parsed: Parsed, path: str, kinds: Mapping[str, Kind]) -> Iterable[Diagnostic]:
    kind = envelope.kind.lower()
    if kind == "homelab":
        if path != HOMELAB_FILE:
            yield _finding(parsed, ("kind",), f"only {HOMELAB_FILE} at the root of the specs may be a Homelab document")
    elif kind == "policy":
        if not path.startswith(POLICY_FOLDER):
            yield _finding(parsed, ("kind",), "a Policy belongs under policy/", f"move it to {POLICY_FOLDER}{basename(path)}")
    elif kind in PLANNED_KINDS and kind not in kinds:
        yield _finding(parsed, ("kind",), f"kind {envelope.kind!r} is not available yet")
    elif kind not in kinds:
        known = [name.capitalize() for name in kinds] + ["Homelab", "Policy"]
        yield _finding(parsed, ("kind",), f"unknown kind {envelope.kind!r}", did_you_mean(envelope.kind, known))
    if not is_name(envelope.name):
        yield _finding(
            parsed,
            ("name",),
            f"{envelope.name!r} is not a name",
            "use at most 63 of a-z, 0-9 and inner dashes, for example media-server",
        )
    if envelope.apiVersion != "homelab/v1":
        yield _finding(
            parsed, ("apiVersion",), f"apiVersion {envelope.apiVersion!r} is unknown", "write homelab/v1 or leave it out"
        )
    for index, need in enumerate(envelope.needs):
        try:
            Key.parse(need)
        except ValueError as error:
            yield _finding(parsed, ("needs", index), str(error))


def _finding(parsed: Parsed, path: Path, message: str, hint: str = "") -> Diagnostic:
    return diagnostic(parsed, path, message, hint)


def diagnostic(parsed: Parsed, path: Path, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> Diagnostic:
    """A finding at a path of a document, with position and source line."""
    origin = parsed.locate(path)
    return Diagnostic(message, origin, hint, parsed.snippet(origin), severity)


def validation_diagnostics(
    error: ValidationError, parsed: Parsed, at: Path, model: type[BaseModel], severity: Severity = Severity.ERROR
) -> list[Diagnostic]:
    """Pydantic's findings as diagnostics; an unknown key gets a suggestion. Values are not repeated: they may be secret."""
    found: dict[tuple[Path, str], Diagnostic] = {}
    for item in error.errors(include_url=False, include_context=True, include_input=False):
        path = (*at, *_written(item["loc"], parsed, at))
        message, hint = item["msg"].removeprefix("Value error, "), ""
        if item["type"] == "extra_forbidden":
            word = str(item["loc"][-1])
            message = f"unknown key {word!r}"
            hint = did_you_mean(word, _fields(model, item["loc"][:-1])) or "x-… keys are free for your own notes"
        elif item["type"] == "missing":
            message, path = f"{item['loc'][-1]!r} is missing", path[:-1]
        found.setdefault((path, message), diagnostic(parsed, path, message, hint, severity))
    return list(found.values())


def _written(loc: Path, parsed: Parsed, at: Path) -> Path:
    """A location without the parts that pydantic adds for union members: only steps that exist in the data."""
    data: Any = parsed.data
    for step in at:
        data = data.get(step) if isinstance(data, dict) else None
    kept: list[str | int] = []
    for index, step in enumerate(loc):
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if inside:
            data = data[step]
            kept.append(step)
        elif index == len(loc) - 1 and isinstance(data, dict) and isinstance(step, str):
            kept.append(step)
    return tuple(kept)


def _fields(model: type[BaseModel], loc: Path) -> list[str]:
    names = [info.alias or name for name, info in model.model_fields.items()]
    if not loc:
        return names
    inner = model.model_fields.get(str(loc[0]))
    annotation = inner.annotation if inner else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _fields(annotation, loc[1:])
    return []
