"""Bodies and queries that the API takes. Strict: what is unknown is refused, and no text may act on a terminal."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.json_schema import SkipJsonSchema

from controller.core.key import NAME_PATTERN, Key
from controller.usecases.access import Scope
from controller.usecases.energy import DAYS, MOST_DAYS
from controller.usecases.people import NAME


def _key(text: str) -> str:
    return str(Key.parse(text))


_VISIBLE = "^[^\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]*$"
"""No control character, and none that reorders or hides text. Written out: not every reader of the schema knows classes."""

Line = Annotated[str, Field(max_length=500, pattern=_VISIBLE)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{6,64}$")]
KeyText = Annotated[str, Field(pattern=rf"^[a-z][a-z0-9-]{{0,31}}/{NAME_PATTERN}$"), AfterValidator(_key)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=_VISIBLE)]
RevisionName = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._/-]{0,199}$")]


class Body(BaseModel):
    """What a request carries."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Query(BaseModel):
    """What stands behind the `?`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Say(Body):
    """A word on held rollouts, by their digests as they were shown."""

    digests: Annotated[list[Digest], Field(min_length=1, max_length=100)]
    reason: Line = ""


class Retry(Body):
    """What to try again: a rollout digest, a key, or `all`."""

    target: Annotated[str, Field(min_length=1, max_length=100, pattern=_VISIBLE)]


class Renew(Body):
    """A certificate to renew now."""

    key: KeyText


class Suspend(Body):
    """A key to leave alone."""

    key: KeyText
    reason: Line = ""


class Detach(Body):
    """Keys to let go of; `all` stands alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["keys"], "properties": {"keys": {"minItems": 1}, "all": {"const": False}}},
                {"required": ["all"], "properties": {"keys": {"maxItems": 0}, "all": {"const": True}}},
            ]
        }
    )

    keys: Annotated[list[KeyText], Field(max_length=1000)] = Field(default_factory=list)
    all: bool = False


class GoBack(Body):
    """Where to go back to: a revision, a key (`kind/name`), or "" for what was applied before. `plan` is the digest of the plan
    that was shown: the way back is refused when it has become another one."""

    target: Annotated[str, Field(max_length=200, pattern=r"^([0-9A-Za-z][0-9A-Za-z._/-]*)?$")] = ""
    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class Enter(Body):
    """The one-time token of a link, or a name and a password. The password is never logged and never answered."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["token"]}, {"required": ["name", "password"]}]})

    token: Annotated[str, Field(min_length=1, max_length=200)] | SkipJsonSchema[None] = None
    name: Annotated[str, Field(min_length=1, max_length=64, pattern=_VISIBLE)] | SkipJsonSchema[None] = None
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)] | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.token is None) != (self.name is not None and self.password is not None) or (self.token and self.name):
            raise ValueError("send a token, or a name and a password")
        return self


class Invite(Body):
    """Who is invited, and what they may do."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=NAME)] = "owner"
    scopes: Annotated[list[Scope], Field(min_length=1, strict=False)] = Field(default_factory=lambda: list(Scope))


class Issue(Body):
    """A token to make; `days` null = until revoked. An `assistant` may read, plan and propose, and no more."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, strict=False)]
    days: Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)] | None = 90
    assistant: bool = False


class Thing(Body):
    """An object that runs: its key, and which one it is on the backend ("" = the one at the declared address)."""

    key: KeyText
    handle: Annotated[str, Field(max_length=200, pattern=_VISIBLE)] = ""


class Adopt(Body):
    """Objects to take over exactly as they are."""

    objects: Annotated[list[Thing], Field(min_length=1, max_length=1000)]


class Rotate(Body):
    """A secret that gets a new generated value, as long as the last one unless `length` says otherwise."""

    ref: Annotated[str, Field(min_length=1, max_length=200, pattern=_VISIBLE)]
    length: Annotated[int, Field(ge=1, le=10_000)] | None = None


class SetSecret(Body):
    """A secret value to keep. Never logged, never answered."""

    ref: Annotated[str, Field(min_length=1, max_length=200, pattern=_VISIBLE)]
    value: Annotated[SecretStr, Field(min_length=1, max_length=65_536)]


class PlanQuery(Query):
    """Which plan: of the newest revision, of another one, or of uncommitted files (only at the controller's own socket); `full` =
    each change with its whole states."""

    worktree: bool = False
    revision: RevisionName | None = None
    full: bool = False


class BackQuery(Query):
    """Where to go back to, as in `GoBack`."""

    target: Annotated[str, Field(max_length=200, pattern=r"^([0-9A-Za-z][0-9A-Za-z._/-]*)?$")] = ""


class HistoryQuery(Query):
    """A page of runs; `cursor` is the `next` of the page before."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class EventsQuery(Query):
    """Events with a number above `after` (streams begin at the newest where it is not given)."""

    after: Annotated[int, Field(ge=0, le=2**53)] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200
    key: Annotated[str, Field(max_length=100)] = ""


class EnergyQuery(Query):
    """So many days with today, of the connection `via` ("" = the only one that measures)."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = DAYS
    via: Annotated[str, Field(max_length=64, pattern=_VISIBLE)] = ""


class LogsQuery(Query):
    """The last `lines`, of the last `back` seconds (0 = however old); with `follow` also what is written from now on."""

    lines: Annotated[int, Field(ge=1, le=10_000)] = 100
    back: Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)] = 0.0
    follow: bool = False


class SyncQuery(Query):
    """`wait` = answer when the pass has ended."""

    wait: bool = False
