"""House rules: what people wrote under policy/, as data for the judge."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from controller.core.change import Action, Reversal
from controller.core.decision import Verdict
from controller.core.state import fingerprint

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Window(_Frozen):
    """A weekly window in local time; `to` before `from` runs over midnight."""

    days: tuple[Day, ...] = Field(default=(), description="Days on which the window opens; empty = every day.")
    start: TimeOfDay = Field(alias="from", description="Opening time, HH:MM.")
    end: TimeOfDay = Field(alias="to", description="Closing time, HH:MM.")


class Match(_Frozen):
    """Which changes a rule speaks of. Every given field must fit; names, hosts and concerns are shell patterns."""

    kinds: tuple[str, ...] = Field(default=(), description="Kinds, for example service or volume.")
    names: tuple[str, ...] = Field(default=(), description="Resource names, with * and ?.")
    hosts: tuple[str, ...] = Field(default=(), description="Connections that hold the object.")
    actions: tuple[Action, ...] = Field(default=(), description="create, update, replace, delete, adopt, forget.")
    reversal: tuple[Reversal, ...] = Field(default=(), description="exact, delayed, lossy, none.")
    concerns: tuple[str, ...] = Field(
        default=(),
        description="Risks (privileged, docker-socket, device:/dev/dri*, host-path:/etc, home-action:lock.*, home-target:all, …) "
        "and built-in holds (deletions, data, irreversible, history, empty, exposure, attended) that this rule decides.",
    )
    drift: bool | None = Field(default=None, description="True: only repairs of drift; false: only changes of the specification.")
    stateful: bool | None = Field(default=None, description="True: only resources that hold data.")
    more_than: int | None = Field(default=None, ge=0, description="Only when the plan has more than this many matching changes.")


class Rule(_Frozen):
    """One rule. A rule with `concerns` decides those concerns (the first that fits wins over the built-in verdict);
    a rule without them judges the change itself, and the strongest verdict wins."""

    name: str = Field(min_length=1, description="Shown with every verdict.")
    match: Match = Field(default_factory=Match, description="Which changes it speaks of; empty = all.")
    verdict: Verdict = Field(description="allow, hold (a person may approve) or deny.")
    reason: str = Field(default="", description="Shown to people.")
    within: Window | None = Field(default=None, description="The rule counts only inside this window.")
    outside: Window | None = Field(default=None, description="The rule counts only outside this window.")


class Deletions(_Frozen):
    """How much may go in one plan before a person is asked. Deleting everything always asks."""

    count: int = Field(default=5, ge=0, description="More deletions than this are held.")
    share: float = Field(default=0.3, ge=0, le=1, description="A larger share of what we own is held (from two deletions on).")


RULES = "rules"
"""The concern of a proposal that changes what may be done here: rules, connections, actions, people."""

SECOND = ("deletions", "data", "irreversible", "exposure", "protected", "empty", "history", RULES)


class ProposalRules(_Frozen):
    """Who may approve a proposal, and how long it waits."""

    own: Literal["allow", "deny"] = Field(
        default="allow", description="Whether people may approve what they proposed themselves."
    )
    second: tuple[str, ...] = Field(
        default=SECOND,
        description="Concerns (with * and ?) that take a named person other than the author; [] = none does. `rules` = a change "
        "of policy/, homelab.yaml, actions/ or users.",
    )
    expires: float = Field(default=14, gt=0, le=365, description="Days after which a proposal that nobody decided about ends.")


class PolicySpec(_Frozen):
    """Contents of a Policy document; several documents add up, in the order of their names."""

    rules: tuple[Rule, ...] = Field(default=(), description="Rules, most important first.")
    deletions: Deletions | None = Field(default=None, description="Deletion limits; the strictest document wins.")
    proposals: ProposalRules | None = Field(default=None, description="Who may approve proposals; the strictest document wins.")
    timezone: str = Field(default="", description="IANA name for windows; empty = the controller's local time.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value:
            from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"{value!r} is not a time zone name such as Europe/Berlin") from error
        return value


class Policy(_Frozen):
    """All house rules of one revision."""

    rules: tuple[Rule, ...] = ()
    deletions: Deletions = Deletions()
    timezone: str = ""
    proposals: ProposalRules = ProposalRules()

    @property
    def version(self) -> str:
        """Changes exactly when a rule does that judges rollouts; part of every rollout digest."""
        return fingerprint(self.model_dump(mode="json", exclude={"proposals"}))[:16]

    @classmethod
    def of(cls, specs: tuple[PolicySpec, ...]) -> Policy:
        """Join documents: rules one after the other, the strictest limits."""
        limits = [spec.deletions for spec in specs if spec.deletions is not None]
        deletions = (
            Deletions(count=min(limit.count for limit in limits), share=min(limit.share for limit in limits))
            if limits
            else Deletions()
        )
        zone = next((spec.timezone for spec in specs if spec.timezone), "")
        rules = tuple(rule for spec in specs for rule in spec.rules)
        return cls(rules=rules, deletions=deletions, timezone=zone, proposals=_strictest(specs))


def _strictest(specs: tuple[PolicySpec, ...]) -> ProposalRules:
    given = [spec.proposals for spec in specs if spec.proposals is not None]
    if not given:
        return ProposalRules()
    return ProposalRules(
        own="deny" if any(each.own == "deny" for each in given) else "allow",
        second=tuple(dict.fromkeys(concern for each in given for concern in each.second)),
        expires=min(each.expires for each in given),
    )
