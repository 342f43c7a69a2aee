"""A forge: the server beside the spec repository where people look at pull requests (Forgejo, Gitea, GitHub)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field


class Stage(StrEnum):
    """Where a pull request stands."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class Check(StrEnum):
    """What is said of a commit, beside its pull request."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull request as the forge shows it. `branch` is "" when it comes from another repository (a fork): such a branch is not
    ours to read. `merge` is the commit that the branch `base` got by it, `by` the person who merged it ("" before, and for a
    program)."""

    number: int
    title: str
    body: str
    author: str
    branch: str
    tip: str
    base: str
    stage: Stage
    url: str
    merge: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """One commit of a pull request. `by` are the accounts at the forge of its author and its committer, "" for one that has none;
    `name` is the author's and `email` the committer's, as git holds them: anybody may write these."""

    id: str
    by: tuple[str, ...]
    name: str
    email: str


class Forge(Protocol):
    """One repository at a forge. Every method raises Transient (later) or Permanent (refused), and changes nothing then."""

    def pulls(self, base: str) -> tuple[PullRequest, ...]:
        """Every open pull request into a branch, oldest first."""

    def pull(self, number: int) -> PullRequest | None:
        """One, open or not; None when there is none."""

    def commits(self, number: int) -> tuple[Written, ...]:
        """The commits of one, in no order. Long ones may not be all there."""

    def find(self, branch: str, base: str) -> PullRequest | None:
        """The newest one from a branch of the same repository, open or not."""

    def open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """A new one; the open one when there is one already."""

    def close(self, number: int) -> None:
        """Close without merging; nothing to do when it is not open."""

    def comment(self, number: int, mark: str, text: str) -> None:
        """Write our comment, or change it: the one of ours that holds `mark`, which people do not see."""

    def check(self, tip: str, check: Check, words: str, url: str = "") -> None:
        """Say of a commit how its plan stands; `words` in at most 140 characters."""


class TokenReference(BaseModel):
    """A token by the name of the secret that holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str = Field(min_length=1, description="Name of the secret, such as forge/token.")


class ForgeSpec(BaseModel):
    """Where the spec repository's pull requests are: each gets its plan as a comment and a status, and a merge there approves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["forgejo", "gitea", "github"] = Field(description="Which forge it is.")
    url: str = Field(
        pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/-]*)?$",
        max_length=500,
        description="The forge's own address: https://git.example.net, https://github.com.",
    )
    repository: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9._-]{1,100}$", description="The spec repository there: owner/name."
    )
    token: TokenReference = Field(description="A token that may write pull requests and statuses: {ref: NAME-OF-A-SECRET}.")
