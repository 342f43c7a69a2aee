"""What may be written under `spec` of a Helper: Home Assistant's own words for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Type = Literal[
    "input_boolean",
    "input_number",
    "input_select",
    "input_text",
    "input_datetime",
    "input_button",
    "counter",
    "timer",
    "schedule",
]


CALLED: Mapping[str, str] = {word: f"that is a Helper with `type: {word}`" for word in get_args(Type)}
"""What a person may take for a kind, with what to write."""
_SET_UP_THERE = "template and group helpers are set up in Home Assistant; they cannot be declared"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, populate_by_name=True)


class Period(_Frozen):
    """A time of a day in which a schedule is on."""

    start: str = Field(alias="from", description="When it begins: HH:MM or HH:MM:SS.")
    to: str = Field(description="When it ends; 24:00 is midnight.")
    data: dict[str, bool | int | float | str] = Field(default_factory=dict, description="Attributes that it has meanwhile.")


class HelperSpec(_Frozen):
    """A helper in Home Assistant. Each type has fields of its own; one that is left out is not compared."""

    hints: ClassVar[Mapping[str, str]] = {"type: template": _SET_UP_THERE, "type: group": _SET_UP_THERE}

    via: str = Field(default="", description="Connection of homelab.yaml of type homeassistant (default: the only one).")
    type: Type = Field(description="What it is; its entity is called type.id.")
    id: str = Field(default="", description="Its id (default: the document's name with _ for -).")
    name: str = Field(default="", description="Its name for people (default: the document's name in words).")
    icon: str | None = Field(default=None, description="Icon, such as mdi:lamp.")
    initial: bool | int | float | str | None = Field(
        default=None,
        description="Value at each start of Home Assistant; left out, the last one stays (not: button, timer, schedule).",
    )
    min: float | None = Field(default=None, description="input_number: smallest value; input_text: shortest length.")
    max: float | None = Field(default=None, description="input_number: largest value; input_text: longest length (at most 255).")
    step: float | None = Field(default=None, description="input_number, counter: how far one step goes.")
    mode: str | None = Field(default=None, description="input_number: slider or box; input_text: text or password.")
    unit_of_measurement: str | None = Field(default=None, description="input_number, input_text: unit, such as °C.")
    device_class: str | None = Field(
        default=None, description="input_number: what the number is, such as temperature (newer versions of Home Assistant)."
    )
    options: tuple[str, ...] | None = Field(default=None, description="input_select: what can be chosen, in order.")
    pattern: str | None = Field(default=None, description="input_text: regular expression that a value matches.")
    has_date: bool | None = Field(default=None, description="input_datetime: it holds a date.")
    has_time: bool | None = Field(default=None, description="input_datetime: it holds a time.")
    minimum: int | None = Field(default=None, description="counter: smallest value.")
    maximum: int | None = Field(default=None, description="counter: largest value.")
    restore: bool | None = Field(default=None, description="counter, timer: it goes on after a restart where it was.")
    duration: str | int | float | dict[str, float] | None = Field(
        default=None, description="timer: how long it runs: 0:05:00, seconds, or {minutes: 5}."
    )
    monday: tuple[Period, ...] | None = Field(default=None, description="schedule: when it is on; a day left out is off.")
    tuesday: tuple[Period, ...] | None = Field(default=None, description="schedule: as monday.")
    wednesday: tuple[Period, ...] | None = Field(default=None, description="schedule: as monday.")
    thursday: tuple[Period, ...] | None = Field(default=None, description="schedule: as monday.")
    friday: tuple[Period, ...] | None = Field(default=None, description="schedule: as monday.")
    saturday: tuple[Period, ...] | None = Field(default=None, description="schedule: as monday.")
    sunday: tuple[Period, ...] | None = Field(default=None, description="schedule: as monday.")
