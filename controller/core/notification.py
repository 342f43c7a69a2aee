"""Targets of notifications as homelab.yaml declares them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from controller.core.key import NAME_PATTERN
from controller.core.notice import Topic
from controller.core.policy import Window

MOST_TARGETS = 20


class UrlReference(BaseModel):
    """Where messages go, by the name of a secret: the address itself holds tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str = Field(min_length=1, description="Name of the secret that holds an apprise URL, such as notify/phone.")


def _reference(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(
            "the address itself must not stand here, it holds tokens: write `url: {ref: notify/phone}` and set it with "
            "`homelab secret set notify/phone`"
        )
    return value


class Notification(BaseModel):
    """Somebody who is told what happens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=f"^{NAME_PATTERN}$", description="Name of this target, each once.")
    url: Annotated[UrlReference, BeforeValidator(_reference)] = Field(description="Its address: {ref: NAME-OF-A-SECRET}.")
    events: tuple[Topic, ...] = Field(default=(), description="What it hears of; empty = everything.")
    quiet: Window | None = Field(
        default=None, description="A time in which it is told nothing; what is left to say is said after it."
    )
    repeat: float = Field(
        default=1, ge=0, le=720, allow_inf_nan=False, description="Hours until what still lasts is told again; 0 = told once."
    )
