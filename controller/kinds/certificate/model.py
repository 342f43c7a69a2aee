"""What may be written under `spec` of a Certificate."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CertificateSpec(BaseModel):
    """The certificate that visitors of a host get. Caddy orders and renews it; this says what is expected of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, description="Host name, such as plex.example.net; *.example.net is every name below.")
    issuer: Literal["acme", "internal", "any"] = Field(
        default="acme", description="acme = a public authority, internal = Caddy's own, any = files of one's own."
    )
    via: str = Field(default="", description="Connection of homelab.yaml that names the Caddy (default: the only one there is).")
    timeout: float = Field(default=180.0, gt=0, le=3600, description="Seconds until it must be served after a change.")
