"""What may be written under `spec` of a Service: any entry of Compose's `services:`, and a few words of ours.

The shapes here serve editors and documentation; what Compose accepts is decided by the door to the Compose Specification."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from controller.core.resource import Rollback
from controller.kinds.service.exposure import Exposed

_scalar: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
_list_or_map: dict[str, Any] = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "object"}]}
Text = Annotated[Any, WithJsonSchema({"type": "string"})]
Number = Annotated[Any, WithJsonSchema({"type": ["number", "string"]})]
Flag = Annotated[Any, WithJsonSchema({"type": ["boolean", "string"]})]
Texts = Annotated[Any, WithJsonSchema({"type": "array", "items": {"type": ["string", "number"]}})]
TextOrTexts = Annotated[Any, WithJsonSchema({"type": ["string", "array", "null"], "items": {"type": "string"}})]
ListOrMap = Annotated[Any, WithJsonSchema(_list_or_map)]
Map = Annotated[Any, WithJsonSchema({"type": "object"})]
Entries = Annotated[Any, WithJsonSchema({"type": "array", "items": {"type": ["string", "number", "object"]}})]


class SecretValue(BaseModel):
    """A value from the vault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str = Field(description="Name of the secret in the vault, such as plex/claim.")
    generate: int | None = Field(default=None, ge=16, le=1024, description="Make one of this many characters when there is none.")


class SecretFile(BaseModel):
    """A secret as a file in the container: from the vault, or (`file`) from the repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str = Field(default="", description="Name of the secret in the vault.")
    generate: int | None = Field(default=None, ge=16, le=1024, description="Make one of this many characters when there is none.")
    file: str = Field(default="", description="A file beside this document, instead of `ref`.")
    target: str = Field(default="", description="Path in the container (default /run/secrets/NAME).")
    uid: str = Field(default="", pattern=r"^\d*$", description="Owner in the container (default 0).")
    gid: str = Field(default="", pattern=r"^\d*$", description="Group in the container (default 0).")
    mode: str = Field(default="", pattern=r"^[0-7]{0,4}$", description="Permissions, octal (default 0400).")


class ConfigFile(BaseModel):
    """A file in the container whose content is written here, or (`file`) stands beside this document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str = Field(pattern=r"^/", description="Path in the container.")
    content: str | None = Field(default=None, description="The content itself.")
    file: str = Field(default="", description="A file beside this document, instead of `content`.")
    uid: str = Field(default="", pattern=r"^\d*$", description="Owner in the container.")
    gid: str = Field(default="", pattern=r"^\d*$", description="Group in the container.")
    mode: str = Field(default="", pattern=r"^[0-7]{0,4}$", description="Permissions, octal (default 0444).")


def _map_of(*values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"anyOf": list(values)}}


_list: dict[str, Any] = {"type": "array", "items": {"type": ["string", "object"]}}
Environment = Annotated[Any, WithJsonSchema({"anyOf": [_list, _map_of(_scalar, SecretValue.model_json_schema())]})]
Secrets = Annotated[Any, WithJsonSchema({"anyOf": [_map_of(SecretFile.model_json_schema()), _list]})]
Exposure = Annotated[Any, WithJsonSchema({"anyOf": [Exposed.model_json_schema(), {"type": "array", "items": _scalar}]})]
Configs = Annotated[
    Any, WithJsonSchema({"type": "array", "items": {"anyOf": [ConfigFile.model_json_schema(), {"type": ["object", "string"]}]}})
]


def _says(description: str) -> Any:
    return Field(default=None, description=description)


class Ours(BaseModel):
    """The words of a Service that Compose does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="local", description="Connection of homelab.yaml that names the Docker host.")
    rollback: Rollback = Field(
        default=Rollback.ALWAYS, description="When a failed rollout may put this service back: always, if-stateless or never."
    )
    completes: bool = Field(default=False, description="Others wait until it has ended with code 0.")
    project: str = Field(default="", description="Name in front of its volumes and folders (default: its own name).")
    canonical: bool = Field(default=False, description="Values are in Compose's canonical form and refer to things by real name.")


class ServiceSpec(Ours):
    """A container: an entry of Compose's `services:` as it is written in any README."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra=lambda schema: schema.setdefault("patternProperties", {}).update({"^x-": {}}),
    )

    annotations: ListOrMap = _says("Annotations for the container runtime.")
    attach: Flag = _says("Has no meaning here; accepted for pasted files.")
    blkio_config: Map = _says("Limits of block devices.")
    build: Any = _says("Not supported: images are not built here.")
    cap_add: Texts = _says("Capabilities to add.")
    cap_drop: Texts = _says("Capabilities to drop.")
    cgroup: Text = _says("Control group namespace: host or private.")
    cgroup_parent: Text = _says("Parent control group.")
    command: TextOrTexts = _says("Command, instead of the image's.")
    configs: Configs = _says("Files with a given content.")
    container_name: Text = _says("Name of the container (default: the service's name).")
    cpu_count: Number = _says("Not supported: Windows only.")
    cpu_percent: Number = _says("Not supported: Windows only.")
    cpu_period: Number = _says("CPU period in microseconds.")
    cpu_quota: Number = _says("CPU quota in microseconds.")
    cpu_rt_period: Number = _says("Real-time CPU period in microseconds.")
    cpu_rt_runtime: Number = _says("Real-time CPU runtime in microseconds.")
    cpu_shares: Number = _says("Relative CPU weight.")
    cpus: Number = _says("Number of CPUs, such as 1.5.")
    cpuset: Text = _says("CPUs that may be used, such as 0-3.")
    credential_spec: Map = _says("Not supported: Windows only.")
    depends_on: ListOrMap = _says("Other Services that must be in place first.")
    deploy: Map = _says("Limits, restart policy and update order; what needs Swarm has no effect, as in Compose.")
    develop: Map = _says("For `docker compose watch`; has no effect.")
    device_cgroup_rules: Texts = _says("Device rules of the control group.")
    devices: Entries = _says("Devices of the host.")
    dns: TextOrTexts = _says("DNS servers.")
    dns_opt: Texts = _says("DNS options.")
    dns_search: TextOrTexts = _says("DNS search domains.")
    domainname: Text = _says("Domain name of the container.")
    entrypoint: TextOrTexts = _says("Entry point, instead of the image's.")
    env_file: Any = _says("Files beside this document with variables.")
    environment: Environment = _says("Variables; a value may be {ref: …, generate: N}.")
    expose: Exposure = _says("As a map: the Route by which it is reached from outside. As a list: ports for other containers.")
    extends: Any = _says("A service of a file beside this document to start from.")
    external_links: Texts = _says("Not supported.")
    extra_hosts: ListOrMap = _says("Names and addresses for /etc/hosts.")
    gpus: Any = _says("Graphics processors: all, or a list of requests.")
    group_add: Texts = _says("Further groups of the user.")
    healthcheck: Map = _says("How health is judged; the gate of an update.")
    hostname: Text = _says("Host name of the container.")
    image: Text = Field(default=None, description="Image reference, such as lscr.io/linuxserver/plex:1.41.")
    init: Flag = _says("Run an init process as process 1.")
    ipc: Text = _says("IPC namespace.")
    isolation: Text = _says("Not supported: Windows only.")
    label_file: Any = _says("Files beside this document with labels.")
    labels: ListOrMap = _says("Labels of the container.")
    links: Texts = _says("Other Services that must be in place first.")
    logging: Map = _says("Log driver and its options.")
    mac_address: Text = _says("Hardware address.")
    mem_limit: Number = _says("Memory limit, such as 512m.")
    mem_reservation: Number = _says("Memory reservation.")
    mem_swappiness: Number = _says("Swappiness, 0 to 100.")
    memswap_limit: Number = _says("Limit of memory and swap together.")
    models: Any = _says("Not supported: declare a Model.")
    network_mode: Text = _says("host, none, bridge, service:NAME or container:NAME.")
    networks: ListOrMap = _says("Networks: names of Network documents, or with `external: true` of networks that exist.")
    oom_kill_disable: Flag = _says("Never kill it when memory runs out.")
    oom_score_adj: Number = _says("Preference for being killed when memory runs out.")
    pid: Text = _says("Process namespace.")
    pids_limit: Number = _says("Most processes.")
    platform: Text = _says("Platform of the image, such as linux/arm64.")
    ports: Entries = _says("Published ports.")
    post_start: Any = _says("Not supported.")
    pre_start: Any = _says("Not supported.")
    pre_stop: Any = _says("Not supported.")
    privileged: Flag = _says("All rights on the host; policy must allow it.")
    profiles: Texts = _says("Only in a Stack.")
    provider: Any = _says("Not supported.")
    pull_policy: Text = _says("always, missing, never, daily, weekly or every_DURATION.")
    pull_refresh_after: Text = _says("Has no effect.")
    read_only: Flag = _says("Read-only root file system.")
    restart: Text = _says("no, always, unless-stopped or on-failure[:N].")
    runtime: Text = _says("Container runtime.")
    scale: Number = _says("Only 1: a Service is one container.")
    secrets: Secrets = _says("Secret files from the vault, by name.")
    security_opt: Texts = _says("Security options.")
    shm_size: Number = _says("Size of /dev/shm.")
    stdin_open: Flag = _says("Keep standard input open.")
    stop_grace_period: Text = _says("How long it may take to stop.")
    stop_signal: Text = _says("Signal that stops it.")
    storage_opt: Map = _says("Options of the storage driver.")
    sysctls: ListOrMap = _says("Kernel parameters.")
    tmpfs: TextOrTexts = _says("Temporary file systems.")
    tty: Flag = _says("Give it a terminal.")
    ulimits: Map = _says("Limits of its processes.")
    use_api_socket: Flag = _says("Not supported.")
    user: Text = _says("User and group.")
    userns_mode: Text = _says("User namespace.")
    uts: Text = _says("UTS namespace.")
    volumes: Entries = _says("Volumes and folders. Relative paths are files of the repository, or folders that the host keeps.")
    volumes_from: Texts = _says("Volumes of other containers.")
    working_dir: Text = _says("Working directory.")

    @model_validator(mode="before")
    @classmethod
    def _without_extensions(cls, data: Any) -> Any:
        """Keys that begin with `x-` are a person's own notes, as in Compose."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if not str(key).startswith("x-")}

    def compose(self) -> dict[str, Any]:
        """What was written in Compose's words."""
        written = [name for name in type(self).model_fields if name in self.model_fields_set and name not in Ours.model_fields]
        return {name: getattr(self, name) for name in written}
