"""What may be written under `spec` of a Scene: Home Assistant's own YAML, pasted."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from controller.clients.homeassistant.declaring import BodySpec


class SceneSpec(BodySpec):
    """A scene as Home Assistant keeps it: entities, and the states that it gives them."""

    name: str = Field(default="", description="Its name for people; left out, it is the document's name in words.")
    icon: str | None = Field(default=None, description="Its icon, such as mdi:lamp.")
    entities: dict[str, Any] = Field(description="By entity: its state alone, or `state` with attributes.")
    metadata: dict[str, Any] | None = Field(default=None, description="Notes of the editor; they mean nothing.")
