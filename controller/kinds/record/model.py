"""What may be written under `spec` of a Record."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from controller.core.dns import RECORD_TYPES, RecordType

LONGEST_TTL = 2**31 - 1
Ttl = Annotated[int, Field(ge=1, le=LONGEST_TTL)]


class RecordSpec(BaseModel):
    """All DNS records of one name and type. The Domain with the longest matching zone says which server holds them."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: str = Field(min_length=1, description="Full name, such as plex.example.net; its first label may be *.")
    type: RecordType = Field(description="Type of the records.")
    value: str | None = Field(
        default=None,
        description="The one value: an address, publicIP, a full host name, `10 mail.example.net`, the text of a TXT, …",
    )
    values: tuple[str, ...] = Field(default=(), description="Several values.")
    ttl: Ttl | None = Field(default=None, description="Seconds that others may remember it; left out, it is not compared.")

    @field_validator("type", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        word = str(value).upper()
        if word not in RECORD_TYPES:
            raise ValueError(f"{value!r} is not a record type that can be declared: {', '.join(RECORD_TYPES)}")
        return word
