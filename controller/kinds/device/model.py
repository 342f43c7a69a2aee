"""What may be written under `spec` of a Device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from controller.clients.compose import parse_duration
from controller.clients.compose.findings import Invalid
from controller.core.policy import Window
from controller.kinds.device.domains import DOMAINS

_LONGEST = 7 * 86400


def _seconds(value: Any) -> float:
    """`90`, `30s`, `1h30m`."""
    try:
        found = value if isinstance(value, (int, float)) and not isinstance(value, bool) else parse_duration(str(value)) / 1e9
    except Invalid as error:
        raise ValueError(str(error)) from error
    if not 0 <= found <= _LONGEST:
        raise ValueError("a duration is between 0 and 7 days, such as 30s or 1h30m")
    return found


Seconds = Annotated[
    float, BeforeValidator(_seconds, json_schema_input_type=str | float), Field(description="A duration: 30s, 5m, 1h30m.")
]
_CODE = "keep it with `homelab secret set home/front-door`, then write `code: {ref: home/front-door}`"
_REGISTRY = ("name", "icon", "area", "disabled", "hidden", "labels", "aliases")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class When(Window):
    """A weekly window; `to` before `from` runs over midnight."""

    timezone: str = Field(default="", description="IANA name, such as Europe/Berlin; empty = the one of Home Assistant.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone name such as Europe/Berlin") from error
        return value


class Condition(_Part):
    """What another entity must show."""

    entity: str = Field(description="Its id, such as binary_sensor.somebody_home.")
    state: str | bool | int | float | tuple[str | bool | int | float, ...] = Field(
        description="The state that it must show, or several of which it must show one; true and false mean on and off."
    )


class Code(_Part):
    """The code of a lock or an alarm panel, from the vault."""

    ref: str = Field(min_length=1, description="Name of the secret.")


class DeviceSpec(_Part):
    """The wanted state of one entity of Home Assistant, and what its registry entry says."""

    hints: ClassVar[Mapping[str, str]] = {
        **{
            word: f"write it under `desired: {{{word}: …}}`"
            for domain in DOMAINS.values()
            for word in (*domain.fields, *domain.short)
        },
        "code": _CODE,
    }
    entity: str = Field(description="Its id, such as light.desk.")
    via: str = Field(default="", description="Connection to Home Assistant; may be left out while there is only one.")
    desired: dict[str, Any] = Field(
        default_factory=dict, description="Its state, and values by the names that Home Assistant gives them, such as brightness."
    )
    enforce: Literal["onDrift", "once", "observe"] = Field(
        default="onDrift",
        description="onDrift = put back whenever it differs; once = written when this changes, and left alone otherwise; "
        "observe = differences are told and never written.",
    )
    when: When | None = Field(default=None, description="It is written only in this window.")
    conditions: tuple[Condition, ...] = Field(default=(), description="It is written only while all of these hold.")
    override: Seconds = Field(
        default=0, description="How long what a person (or the switch at the device) changed is left alone."
    )
    confirm: Seconds = Field(default=30, description="How long it may take to follow a command.")
    attended: bool = Field(
        default=False,
        description="true = a person must agree to every change; locks, alarm panels, garages and gates always ask.",
    )
    code: Code | None = Field(default=None, description="The code that a lock or an alarm panel asks for.")
    name: str | None = Field(default=None, description="Its name, instead of the one that its integration gives it.")
    icon: str | None = Field(default=None, description="Its icon, such as mdi:lamp.")
    area: str | None = Field(default=None, description="Where it is: an Area document's name, or an area's id.")
    disabled: bool | None = Field(default=None, description="true = Home Assistant does not load it.")
    hidden: bool | None = Field(default=None, description="true = it is not shown on generated dashboards.")
    labels: tuple[str, ...] | None = Field(default=None, description="All its labels: names of Label documents, or ids.")
    aliases: tuple[str, ...] | None = Field(default=None, description="What else voice assistants may call it, all of it.")

    @property
    def registry(self) -> dict[str, Any]:
        """What is said about its registry entry."""
        return {name: getattr(self, name) for name in _REGISTRY if name in self.model_fields_set}
