"""What may be written under `spec` of a Record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from controller.core.dns import DeclaredType, DeclaredValue, DeclaredValues, Ttl


class RecordSpec(BaseModel):
    """All DNS records of one name and type. The Domain with the longest matching zone says which server holds them."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    name: str = Field(min_length=1, description="Full name, such as plex.example.net; its first label may be *.")
    type: DeclaredType = Field(description="Type of the records.")
    value: DeclaredValue = None
    values: DeclaredValues = ()
    ttl: Ttl | None = Field(default=None, description="Seconds that others may remember it; left out, it is not compared.")
