"""Compose's canonical form of a service: the same keys and types of values as `docker compose config --format json`."""

from __future__ import annotations

from controller.clients.compose.convert import (
    Field,
    as_is,
    command,
    count,
    duration,
    environment,
    fields,
    flag,
    hosts,
    map_of,
    plain_options,
    record,
    share,
    size,
    text_map,
    texts,
    ulimit,
    whole,
    words,
)
from controller.clients.compose.data import Data
from controller.clients.compose.findings import Findings, Invalid, Path
from controller.clients.compose.parts import (
    attachment,
    blkio_config,
    build,
    deploy,
    devices_of,
    file_mount,
    healthcheck,
    hook,
    mount,
    published_port,
    secret_mount,
    watch,
)
from controller.clients.compose.shape import each
from controller.clients.compose.text import text_of

_text, _texts, _flag = Field(as_is), Field(texts), Field(flag)
_whole, _size, _map = Field(whole), Field(size), Field(text_map)

_CONTAINER: dict[str, Field] = {
    **fields(
        "cgroup cgroup_parent cpuset domainname hostname image ipc isolation mac_address network_mode pid platform pull_policy "
        "pull_refresh_after runtime stop_signal user userns_mode uts working_dir",
        _text,
    ),
    **fields("oom_kill_disable privileged read_only use_api_socket", _flag),
    **fields("cap_add cap_drop device_cgroup_rules dns dns_opt dns_search security_opt tmpfs volumes_from", _texts),
    **fields("cpu_count cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares oom_score_adj pids_limit", _whole),
    **fields("mem_limit mem_reservation mem_swappiness memswap_limit shm_size", _size),
    **fields("annotations labels sysctls", _map),
    "blkio_config": Field(blkio_config, keep=True),
    "command": Field(command, keep=True),
    "configs": Field(each(file_mount)),
    "cpu_percent": Field(share),
    "cpus": Field(share),
    "credential_spec": Field(record({"config": _text, "file": _text, "registry": _text}), keep=True),
    "devices": Field(each(record({"source": _text, "target": _text, "permissions": _text}))),
    "entrypoint": Field(command, keep=True),
    "environment": Field(environment),
    "extra_hosts": Field(hosts),
    "gpus": Field(each(devices_of)),
    "group_add": Field(words),
    "init": Field(flag, keep=True),
    "logging": Field(record({"driver": _text, "options": _map}), keep=True),
    "models": Field(map_of(record({"endpoint_var": _text, "model_var": _text}))),
    "networks": Field(map_of(attachment)),
    "secrets": Field(each(secret_mount)),
    "stop_grace_period": Field(duration, keep=True),
    "storage_opt": Field(plain_options),
    "ulimits": Field(map_of(ulimit)),
    "volumes": Field(each(mount)),
}
_pre_start = record({**_CONTAINER, "per_replica": _flag}, always={"command": None, "entrypoint": None})
SERVICE: dict[str, Field] = {
    **_CONTAINER,
    **fields("container_name restart", _text),
    **fields("stdin_open tty", _flag),
    **fields("external_links links profiles", _texts),
    "attach": Field(flag, keep=True),
    "build": Field(build, keep=True),
    "depends_on": Field(map_of(record({"condition": _text, "restart": _flag, "required": Field(flag, keep=True)}))),
    "deploy": Field(deploy, keep=True),
    "develop": Field(record({"watch": Field(each(watch))}), keep=True),
    "expose": Field(words),
    "healthcheck": Field(healthcheck, keep=True),
    "ports": Field(each(published_port)),
    "post_start": Field(each(hook)),
    "pre_start": Field(each(_pre_start)),
    "pre_stop": Field(each(hook)),
    "provider": Field(
        record(
            {"type": _text, "options": Field(map_of(lambda part: words(part) if isinstance(part, list) else [text_of(part)]))}
        ),
        keep=True,
    ),
    "scale": Field(count, keep=True),
}


def canonical(service: dict[str, Data], findings: Findings, path: Path) -> dict[str, Data]:
    """The canonical form of a service in long syntax; attributes that cannot be read are findings and are left out."""
    result: dict[str, Data] = {"command": None, "entrypoint": None}
    for key, raw in service.items():
        field = SERVICE.get(key)
        if field is None or raw is None:
            continue
        try:
            value = field.convert(raw)
        except Invalid as error:
            findings.add_invalid((*path, key), error)
            continue
        if field.keep or value:
            result[key] = value
    return result
