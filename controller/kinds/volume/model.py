"""What may be written under `spec` of a Volume: Compose's words for one."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class VolumeSpec(BaseModel):
    """A volume: data that outlives every container. It is never deleted without an approval of exactly that."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    host: str = Field(default="local", description="Connection of homelab.yaml that names the Docker host.")
    name: str = Field(default="", description="Name on the engine (default: the document's name).")
    external: bool = Field(default=False, description="It exists and is somebody else's: checked, never changed.")
    driver: str = Field(default="", description="Driver (default local).")
    driver_opts: dict[str, str] = Field(
        default_factory=dict, description="Options of the driver, such as {type: nfs, o: …, device: …}."
    )
    labels: dict[str, Any] | list[str] = Field(default_factory=dict, description="Labels.")
