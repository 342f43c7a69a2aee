"""What may be written under `spec` of an Area."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AreaSpec(BaseModel):
    """A room or another place in Home Assistant. A field that is left out is not compared; an empty one is taken away."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    via: str = Field(default="", description="Connection of homelab.yaml of type homeassistant (default: the only one).")
    id: str = Field(default="", description="Its id in Home Assistant (default: the document's name with _ for -).")
    name: str = Field(default="", description="Its name for people (default: the document's name in words).")
    icon: str | None = Field(default=None, description="Icon, such as mdi:sofa.")
    floor: str | None = Field(default=None, description="The floor it is on: a Floor document's name, or a floor's id.")
    labels: tuple[str, ...] | None = Field(default=None, description="All its labels: names of Label documents, or ids.")
    aliases: tuple[str, ...] | None = Field(default=None, description="All other names that voice assistants understand.")
    picture: str | None = Field(default=None, description="Address of its picture, such as /local/living.jpg.")
    temperature_entity_id: str | None = Field(default=None, description="The sensor that says how warm it is.")
    humidity_entity_id: str | None = Field(default=None, description="The sensor that says how humid it is.")
