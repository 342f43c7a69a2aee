"""What may be written under `spec` of an Entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field


class EntitySpec(BaseModel):
    """An entity's entry in Home Assistant's registry. A field that is left out is not compared; an empty one is taken away."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("state", "desired", "enforce", "brightness", "temperature", "position"),
        "states are wanted by a Device: `kind: Device` with `entity:` and `desired: {state: …}`",
    )

    via: str = Field(default="", description="Connection of homelab.yaml of type homeassistant (default: the only one).")
    entity: str = Field(description="Its entity id, such as light.desk.")
    name: str | None = Field(default=None, description="Its name for people; empty = the one its integration gives.")
    icon: str | None = Field(default=None, description="Icon, such as mdi:desk-lamp; empty = the one its integration gives.")
    area: str | None = Field(default=None, description="Where it is: an Area document's name, or an id; empty = as its device.")
    disabled: bool | None = Field(default=None, description="true: it has no state and takes no part in anything.")
    hidden: bool | None = Field(default=None, description="true: it is left out of automatic dashboards and voice assistants.")
    labels: tuple[str, ...] | None = Field(default=None, description="All its labels: names of Label documents, or ids.")
    aliases: tuple[str, ...] | None = Field(default=None, description="All other names that voice assistants understand.")
