"""What may be written under `spec` of an Automation: Home Assistant's own YAML, pasted."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from controller.clients.homeassistant.declaring import BodySpec

_OLD = "The older word for `{}`."


class AutomationSpec(BodySpec):
    """An automation as Home Assistant's editor shows it in YAML; old and new spellings mean the same."""

    enabled: bool | None = Field(default=None, description="Whether it is switched on; left out, people switch it as they like.")
    alias: str = Field(default="", description="Its name for people; left out, it is the document's name in words.")
    description: str | None = Field(default=None, description="What it is for.")
    triggers: Any = Field(default=None, description="What starts it: one trigger or a list.")
    conditions: Any = Field(default=None, description="What must be so when it starts: one condition or a list.")
    actions: Any = Field(default=None, description="What it does: one action or a list.")
    trigger: Any = Field(default=None, description=_OLD.format("triggers"))
    condition: Any = Field(default=None, description=_OLD.format("conditions"))
    action: Any = Field(default=None, description=_OLD.format("actions"))
    mode: Literal["single", "restart", "queued", "parallel"] = Field(
        default="single", description="What happens when it is started while it runs."
    )
    max: int | None = Field(default=None, ge=2, description="How often it may run at once (queued, parallel).")
    max_exceeded: str | None = Field(default=None, description="How loud Home Assistant says that this is too often.")
    variables: dict[str, Any] | None = Field(default=None, description="Variables for conditions and actions.")
    trigger_variables: dict[str, Any] | None = Field(default=None, description="Variables for triggers.")
    initial_state: Any = Field(default=None, description="Whether it is on after a start of Home Assistant.")
    trace: dict[str, Any] | None = Field(default=None, description="How many traces are kept (stored_traces).")
    use_blueprint: dict[str, Any] | None = Field(default=None, description="The blueprint that it is made of: path and input.")
