"""Bodies and queries about proposals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from controller.core.edit import AddDocument, AppendValue, Edit, RemoveDocument, RemoveValue, ReplaceSpec, SetValue
from controller.core.key import Key
from controller.core.proposal import PENDING, Standing
from controller.usecases.proposing_files import MOST_FILES, REASON, TITLE, Change
from controller.web.bodies import Body, KeyText, Line, Query

_TEXT = (
    "^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]*$"
)
"""As a line, with line breaks and tabs."""

Title = Annotated[Line, Field(min_length=1, max_length=TITLE)]
Reason = Annotated[str, Field(max_length=REASON, pattern=_TEXT)]
FilePath = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f\\]+$")]
Step = Annotated[str, Field(max_length=1024)] | Annotated[int, Field(ge=0, le=100_000)]
Steps = Annotated[list[Step], Field(max_length=64)]
Commit = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]


class SetField(Body):
    """What stands at a path of a document, counted from its top (`["spec", "image"]`), becomes this value."""

    op: Literal["set"]
    key: KeyText
    path: Annotated[Steps, Field(min_length=1)]
    value: Any

    def edit(self) -> Edit:
        """As the use case takes it."""
        return SetValue(Key.parse(self.key), tuple(self.path), self.value)


class RemoveField(Body):
    """The entry at a path goes."""

    op: Literal["unset"]
    key: KeyText
    path: Annotated[Steps, Field(min_length=1)]

    def edit(self) -> Edit:
        """As the use case takes it."""
        return RemoveValue(Key.parse(self.key), tuple(self.path))


class AppendItem(Body):
    """The list at a path gets one more entry."""

    op: Literal["append"]
    key: KeyText
    path: Annotated[Steps, Field(min_length=1)]
    value: Any

    def edit(self) -> Edit:
        """As the use case takes it."""
        return AppendValue(Key.parse(self.key), tuple(self.path), self.value)


class SetSpec(Body):
    """The `spec` of a document means this from now on."""

    op: Literal["spec"]
    key: KeyText
    spec: dict[str, Any]

    def edit(self) -> Edit:
        """As the use case takes it."""
        return ReplaceSpec(Key.parse(self.key), self.spec)


class Add(Body):
    """A new document, at the end of a file."""

    op: Literal["add"]
    file: FilePath
    document: dict[str, Any]

    def edit(self) -> Edit:
        """As the use case takes it."""
        return AddDocument(self.file, self.document)


class Remove(Body):
    """A whole document goes."""

    op: Literal["remove"]
    key: KeyText

    def edit(self) -> Edit:
        """As the use case takes it."""
        return RemoveDocument(Key.parse(self.key))


FieldEdit = Annotated[SetField | RemoveField | AppendItem | SetSpec | Add | Remove, Field(discriminator="op")]


class Revise(Body):
    """What a proposal changes: whole files by their path (null = the file goes), or edits of what is written."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["files"]}, {"required": ["edits"]}]})

    reason: Reason = ""
    files: Annotated[dict[FilePath, str | None], Field(min_length=1, max_length=MOST_FILES)] | None = None
    edits: Annotated[list[FieldEdit], Field(min_length=1, max_length=MOST_FILES)] | None = None

    def change(self) -> Change:
        """As the use case takes it."""
        files = {path: None if text is None else text.encode() for path, text in self.files.items()} if self.files else None
        return Change(files, [item.edit() for item in self.edits or ()])


class Open(Revise):
    """A new proposal."""

    title: Title


class Approve(Body):
    """Yes to a proposal as it was shown: its commit, and the digests of its rollouts."""

    tip: Commit
    digests: Annotated[list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]], Field(max_length=1000)]
    reason: Reason = ""


class Reject(Body):
    """No to a proposal."""

    reason: Reason = ""


class RequestChanges(Body):
    """What has to change first."""

    reason: Annotated[str, Field(min_length=1, max_length=REASON, pattern=_TEXT)]


class ProposalsQuery(Query):
    """Those that wait, or those that stand so."""

    standing: Literal["pending", "open", "changes-requested", "merged", "rejected", "expired", "all"] = "pending"

    def standings(self) -> tuple[Standing, ...]:
        """As the use case takes it."""
        if self.standing in ("pending", "all"):
            return PENDING if self.standing == "pending" else tuple(Standing)
        return (Standing(self.standing),)
