"""What may be written under `spec` of a Domain."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from controller.core.dns import RECORD_TYPES, RecordType

LONGEST_TTL = 2**31 - 1
Ttl = Annotated[int, Field(ge=1, le=LONGEST_TTL)]


class DomainRecord(BaseModel):
    """Records of one name and type."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: str = Field(default="@", min_length=1, description="Name below the zone: plex, _dmarc, *, *.lab; @ is the zone itself.")
    type: RecordType = Field(description="Type of the records.")
    value: str | None = Field(
        default=None,
        description="The one value: an address, publicIP, a full host name, `10 mail.example.net`, the text of a TXT, …",
    )
    values: tuple[str, ...] = Field(default=(), description="Several values.")
    ttl: Ttl | None = Field(default=None, description="Seconds that others may remember it (default: that of the Domain).")

    @field_validator("type", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        word = str(value).upper()
        if word not in RECORD_TYPES:
            raise ValueError(f"{value!r} is not a record type that can be declared: {', '.join(RECORD_TYPES)}")
        return word


class DomainSpec(BaseModel):
    """A zone and the connection that holds it. Only the records that are written here, or made for a host, are ever touched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = Field(min_length=1, description="Name of the zone, such as example.net.")
    via: str = Field(
        min_length=1, description="Connection of homelab.yaml that holds the zone (types rfc2136, powerdns, zoneedit)."
    )
    ttl: Ttl | None = Field(default=None, description="TTL of records that name none; left out, TTLs are not compared.")
    records: tuple[DomainRecord, ...] = Field(default=(), description="Records of the zone.")
