"""What may be written under `spec` of a Domain."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from controller.core.dns import DeclaredType, DeclaredValue, DeclaredValues, Ttl


class DomainRecord(BaseModel):
    """Records of one name and type."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: str = Field(default="@", min_length=1, description="Name below the zone: plex, _dmarc, *, *.lab; @ is the zone itself.")
    type: DeclaredType = Field(description="Type of the records.")
    value: DeclaredValue = None
    values: DeclaredValues = ()
    ttl: Ttl | None = Field(default=None, description="Seconds that others may remember it (default: that of the Domain).")


class DomainSpec(BaseModel):
    """A zone and the connection that holds it. Only the records that are written here, or made for a host, are ever touched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = Field(min_length=1, description="Name of the zone, such as example.net.")
    via: str = Field(
        min_length=1, description="Connection of homelab.yaml that holds the zone (types rfc2136, powerdns, zoneedit, octodns)."
    )
    ttl: Ttl | None = Field(default=None, description="TTL of records that name none; left out, TTLs are not compared.")
    records: tuple[DomainRecord, ...] = Field(default=(), description="Records of the zone.")
