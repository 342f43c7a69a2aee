"""What a revision means as a whole: every resource wanted, the house rules and the connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from controller.core.document import Revision
from controller.core.errors import Diagnostic
from controller.core.forge import ForgeSpec
from controller.core.key import Key
from controller.core.notice import Recipient
from controller.core.notification import MOST_TARGETS, Notification
from controller.core.policy import Policy
from controller.core.resource import Resource
from controller.core.sign_in import SignInSpec


class HomelabSpec(BaseModel):
    """Contents of homelab.yaml (`kind: Homelab`): connections to backends, variables for interpolation, who is told what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connections: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Backends by name: {nas: {type: docker, url: 'ssh://me@nas'}}. Secrets by reference.",
    )
    variables: dict[str, str] = Field(default_factory=dict, description="Values for ${NAME} in compose files and services.")
    notifications: tuple[Notification, ...] = Field(
        default=(), max_length=MOST_TARGETS, description="Who is told what happens, and of what."
    )
    forge: ForgeSpec | None = Field(
        default=None, description="Where its pull requests are: each gets its plan, and a merge there approves."
    )
    signIn: SignInSpec = Field(default=SignInSpec(), description="How people may sign in, besides links and passwords.")  # noqa: N815


@dataclass(frozen=True)
class Estate:
    """The desired graph of one revision. `resources` are in dependency order: needs come first. `recipients` are the targets of
    notifications with the secrets that are current."""

    revision: Revision
    resources: Mapping[Key, Resource]
    policy: Policy = field(default_factory=Policy)
    homelab: HomelabSpec = field(default_factory=HomelabSpec)
    warnings: tuple[Diagnostic, ...] = ()
    recipients: tuple[Recipient, ...] = ()
