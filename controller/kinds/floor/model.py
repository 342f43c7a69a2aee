"""What may be written under `spec` of a Floor."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FloorSpec(BaseModel):
    """A floor in Home Assistant. A field that is left out is not compared; an empty one is taken away."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    via: str = Field(default="", description="Connection of homelab.yaml of type homeassistant (default: the only one).")
    id: str = Field(default="", description="Its id in Home Assistant (default: the document's name with _ for -).")
    name: str = Field(default="", description="Its name for people (default: the document's name in words).")
    icon: str | None = Field(default=None, description="Icon, such as mdi:home-floor-1.")
    level: int | None = Field(default=None, strict=True, description="Its height: 0 is the ground floor, -1 the cellar.")
    aliases: tuple[str, ...] | None = Field(default=None, description="All other names that voice assistants understand.")
