"""Compose's canonical form of a service: the same keys and types of values as `docker compose config --format json`."""

from __future__ import annotations

from controller.clients.compose.convert import (
    Convert,
    Field,
    as_is,
    command,
    count,
    device_count,
    duration,
    duration_unless_zero,
    environment,
    fields,
    file_mode,
    flag,
    hosts,
    map_of,
    number,
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
from controller.clients.compose.mounts import clean_target
from controller.clients.compose.ports import is_address
from controller.clients.compose.shape import each
from controller.clients.compose.text import boolean_of, text_of

_text, _texts, _flag = Field(as_is), Field(texts), Field(flag)
_whole, _size, _map = Field(whole), Field(size), Field(text_map)

_file_mount = record({"source": _text, "target": _text, "uid": _text, "gid": _text, "mode": Field(file_mode)})
_device_request = record(
    {
        "capabilities": _texts,
        "driver": _text,
        "count": Field(device_count),
        "device_ids": _texts,
        "options": _map,
    }
)


def _devices_of(value: Data) -> Data:
    """Requests for devices; all of them unless a count or names are given."""
    if "count" in value and "device_ids" in value:
        raise Invalid("`count` and `device_ids` exclude each other", "keep one of them")
    return _device_request(value if "count" in value or "device_ids" in value else {**value, "count": "all"})


def _secret_mount(value: Data) -> Data:
    return _file_mount({"target": f"/run/secrets/{value.get('source')}", **value})


def _created(value: Data) -> Data:
    return boolean_of(value) if isinstance(value, str) else value


def _mode_bits(value: Data) -> Data:
    if isinstance(value, str):
        raise Invalid(
            "a mode of a tmpfs in quotes is nothing that Compose reads", "write the digits without quotes, such as 01777"
        )
    return int(value)


def _bind(value: Data) -> Data:
    found = _bind_options(value)
    if found.get("create_host_path"):
        del found["create_host_path"]
    return found


_bind_options = record(
    {"selinux": _text, "propagation": _text, "create_host_path": Field(_created, keep=True), "recursive": _text}
)
_mount = record(
    {
        "type": _text,
        "source": _text,
        "target": Field(clean_target),
        "read_only": _flag,
        "consistency": _text,
        "bind": Field(_bind, keep=True),
        "volume": Field(record({"labels": _map, "nocopy": _flag, "subpath": _text}), keep=True),
        "tmpfs": Field(record({"size": _size, "mode": Field(_mode_bits)}), keep=True),
        "image": Field(record({"subpath": _text}), keep=True),
    }
)
_port = record(
    {
        "name": _text,
        "mode": _text,
        "host_ip": _text,
        "target": _whole,
        "published": Field(text_of),
        "protocol": _text,
        "app_protocol": _text,
    }
)


def _published(value: Data) -> Data:
    if "host_ip" in value and not is_address(value["host_ip"]):
        raise Invalid(f"`{value['host_ip']}` is not an IP address", "a port can only be bound to an IP address", ("host_ip",))
    if not value.get("target"):
        raise Invalid("a port without a target", "say `target:`, the port inside the container")
    return _port({"mode": "ingress", "protocol": "tcp", **value})


def _given(value: Data) -> Data:
    return {name: part for name, part in environment(value).items() if part is not None}


def _test(value: Data) -> Data:
    return ["CMD-SHELL", value] if isinstance(value, str) else value


def _upper(convert: Convert) -> Convert:
    """Limits of a device: Compose shows their keys with a capital letter and always."""

    def capitalised(value: Data) -> Data:
        amount = "weight" if "weight" in value or "rate" not in value else "rate"
        return {"Path": value.get("path", ""), amount.capitalize(): convert(value.get(amount, 0))}

    return capitalised


def _bytes(value: Data) -> Data:
    return size(value) or "0"


_io_limits = Field(each(_upper(_bytes)))
_healthcheck = record(
    {
        "test": Field(_test),
        "timeout": Field(duration, keep=True),
        "interval": Field(duration, keep=True),
        "retries": Field(count, keep=True),
        "start_period": Field(duration, keep=True),
        "start_interval": Field(duration, keep=True),
        "disable": _flag,
    }
)
_hook = record(
    {
        "command": Field(command, keep=True),
        "user": _text,
        "privileged": _flag,
        "working_dir": _text,
        "environment": Field(environment),
    },
    always={"command": None},
)
_rollout = record(
    {
        "parallelism": Field(count, keep=True),
        "delay": Field(duration_unless_zero),
        "failure_action": _text,
        "monitor": Field(duration_unless_zero),
        "max_failure_ratio": Field(number),
        "order": _text,
    }
)
_discrete = record({"kind": Field(as_is, keep=True), "value": Field(whole, keep=True)}, always={"kind": "", "value": 0})
_resource = record(
    {
        "cpus": Field(share),
        "memory": _size,
        "pids": _whole,
        "devices": Field(each(_devices_of)),
        "generic_resources": Field(each(record({"discrete_resource_spec": Field(_discrete, keep=True)}))),
    }
)
_deploy = record(
    {
        "mode": _text,
        "replicas": Field(count, keep=True),
        "labels": _map,
        "update_config": Field(_rollout, keep=True),
        "rollback_config": Field(_rollout, keep=True),
        "resources": Field(
            record({"limits": Field(_resource, keep=True), "reservations": Field(_resource, keep=True)}), keep=True
        ),
        "restart_policy": Field(
            record(
                {
                    "condition": _text,
                    "delay": Field(duration, keep=True),
                    "max_attempts": Field(count, keep=True),
                    "window": Field(duration, keep=True),
                }
            ),
            keep=True,
        ),
        "placement": Field(
            record(
                {
                    "constraints": _texts,
                    "preferences": Field(each(record({"spread": _text}))),
                    "max_replicas_per_node": Field(count),
                }
            ),
            keep=True,
        ),
        "endpoint_mode": _text,
    },
    always={"resources": {}, "placement": {}},
)
_watch = record(
    {
        "path": _text,
        "action": _text,
        "target": _text,
        "exec": Field(_hook, keep=True),
        "include": _texts,
        "ignore": _texts,
        "initial_sync": _flag,
    },
    always={"exec": {"command": None}},
)
_build = record(
    {
        "context": _text,
        "dockerfile": _text,
        "dockerfile_inline": _text,
        "entitlements": _texts,
        "args": Field(_given),
        "ssh": Field(as_is),
        "labels": _map,
        "cache_from": _texts,
        "cache_to": _texts,
        "no_cache": _flag,
        "no_cache_filter": _texts,
        "additional_contexts": _map,
        "network": _text,
        "provenance": _text,
        "sbom": _text,
        "pull": _flag,
        "target": _text,
        "shm_size": _size,
        "extra_hosts": Field(hosts),
        "isolation": _text,
        "privileged": _flag,
        "secrets": Field(each(_file_mount)),
        "tags": _texts,
        "ulimits": Field(map_of(ulimit)),
        "platforms": _texts,
    }
)
_attachment = record(
    {
        "aliases": _texts,
        "driver_opts": _map,
        "gw_priority": _whole,
        "interface_name": _text,
        "ipv4_address": _text,
        "ipv6_address": _text,
        "link_local_ips": _texts,
        "mac_address": _text,
        "priority": _whole,
    }
)
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
    "blkio_config": Field(
        record(
            {
                "weight": Field(count),
                "weight_device": Field(each(_upper(count))),
                **fields("device_read_bps device_read_iops device_write_bps device_write_iops", _io_limits),
            }
        ),
        keep=True,
    ),
    "command": Field(command, keep=True),
    "configs": Field(each(_file_mount)),
    "cpu_percent": Field(share),
    "cpus": Field(share),
    "credential_spec": Field(record({"config": _text, "file": _text, "registry": _text}), keep=True),
    "devices": Field(each(record({"source": _text, "target": _text, "permissions": _text}))),
    "entrypoint": Field(command, keep=True),
    "environment": Field(environment),
    "extra_hosts": Field(hosts),
    "gpus": Field(each(_devices_of)),
    "group_add": Field(words),
    "init": Field(flag, keep=True),
    "logging": Field(record({"driver": _text, "options": _map}), keep=True),
    "models": Field(map_of(record({"endpoint_var": _text, "model_var": _text}))),
    "networks": Field(map_of(_attachment)),
    "secrets": Field(each(_secret_mount)),
    "stop_grace_period": Field(duration, keep=True),
    "storage_opt": Field(plain_options),
    "ulimits": Field(map_of(ulimit)),
    "volumes": Field(each(_mount)),
}
_pre_start = record({**_CONTAINER, "per_replica": _flag}, always={"command": None, "entrypoint": None})
SERVICE: dict[str, Field] = {
    **_CONTAINER,
    **fields("container_name restart", _text),
    **fields("stdin_open tty", _flag),
    **fields("external_links links profiles", _texts),
    "attach": Field(flag, keep=True),
    "build": Field(_build, keep=True),
    "depends_on": Field(map_of(record({"condition": _text, "restart": _flag, "required": Field(flag, keep=True)}))),
    "deploy": Field(_deploy, keep=True),
    "develop": Field(record({"watch": Field(each(_watch))}), keep=True),
    "expose": Field(words),
    "healthcheck": Field(_healthcheck, keep=True),
    "ports": Field(each(_published)),
    "post_start": Field(each(_hook)),
    "pre_start": Field(each(_pre_start)),
    "pre_stop": Field(each(_hook)),
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
