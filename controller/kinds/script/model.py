"""What may be written under `spec` of a Script: Home Assistant's own YAML, pasted."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from controller.clients.homeassistant.declaring import BodySpec


class ScriptSpec(BodySpec):
    """A script as Home Assistant's editor shows it in YAML; old and new spellings mean the same."""

    alias: str = Field(default="", description="Its name for people; left out, it is the document's name in words.")
    description: str | None = Field(default=None, description="What it is for.")
    icon: str | None = Field(default=None, description="Its icon, such as mdi:lamp.")
    sequence: Any = Field(default=None, description="What it does: one action or a list.")
    fields: dict[str, Any] | None = Field(default=None, description="What it can be given when it is called.")
    variables: dict[str, Any] | None = Field(default=None, description="Variables for its actions.")
    mode: Literal["single", "restart", "queued", "parallel"] = Field(
        default="single", description="What happens when it is called while it runs."
    )
    max: int | None = Field(default=None, ge=2, description="How often it may run at once (queued, parallel).")
    max_exceeded: str | None = Field(default=None, description="How loud Home Assistant says that this is too often.")
    trace: dict[str, Any] | None = Field(default=None, description="How many traces are kept (stored_traces).")
    use_blueprint: dict[str, Any] | None = Field(default=None, description="The blueprint that it is made of: path and input.")
