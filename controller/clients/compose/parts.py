"""Converters for the parts of a service that are records: mounts, ports, device requests, deploy, build, hooks."""

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
    record,
    share,
    size,
    text_map,
    texts,
    ulimit,
    whole,
)
from controller.clients.compose.data import Data
from controller.clients.compose.findings import Invalid
from controller.clients.compose.mounts import clean_target
from controller.clients.compose.ports import is_address
from controller.clients.compose.shape import each
from controller.clients.compose.text import boolean_of, text_of

_text, _texts, _flag = Field(as_is), Field(texts), Field(flag)
_whole, _size, _map = Field(whole), Field(size), Field(text_map)

file_mount = record({"source": _text, "target": _text, "uid": _text, "gid": _text, "mode": Field(file_mode)})


def secret_mount(value: Data) -> Data:
    return file_mount({"target": f"/run/secrets/{value.get('source')}", **value})


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
mount = record(
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
_device_request = record(
    {
        "capabilities": _texts,
        "driver": _text,
        "count": Field(device_count),
        "device_ids": _texts,
        "options": _map,
    }
)


def devices_of(value: Data) -> Data:
    """Requests for devices; all of them unless a count or names are given."""
    if "count" in value and "device_ids" in value:
        raise Invalid("`count` and `device_ids` exclude each other", "keep one of them")
    return _device_request(value if "count" in value or "device_ids" in value else {**value, "count": "all"})


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


def published_port(value: Data) -> Data:
    if "host_ip" in value and not is_address(value["host_ip"]):
        raise Invalid(f"`{value['host_ip']}` is not an IP address", "a port can only be bound to an IP address", ("host_ip",))
    if not value.get("target"):
        raise Invalid("a port without a target", "say `target:`, the port inside the container")
    return _port({"mode": "ingress", "protocol": "tcp", **value})


def _given(value: Data) -> Data:
    return {name: part for name, part in environment(value).items() if part is not None}


def _test(value: Data) -> Data:
    return ["CMD-SHELL", value] if isinstance(value, str) else value


def _upper(amount: str, convert: Convert) -> Convert:
    """A limit of a device: Compose shows its keys with a capital letter and always."""

    def capitalised(value: Data) -> Data:
        return {"Path": value.get("path", ""), amount.capitalize(): convert(value.get(amount, 0))}

    return capitalised


def _weight(value: Data) -> Data:
    if isinstance(value, str):
        raise Invalid("a weight must be a number, not text", "write the digits without quotes")
    return count(value)


def _bytes(value: Data) -> Data:
    return size(value) or "0"


io_limits = Field(each(_upper("rate", _bytes)))
healthcheck = record(
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
hook = record(
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
        "devices": Field(each(devices_of)),
        "generic_resources": Field(each(record({"discrete_resource_spec": Field(_discrete, keep=True)}))),
    }
)
deploy = record(
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
watch = record(
    {
        "path": _text,
        "action": _text,
        "target": _text,
        "exec": Field(hook, keep=True),
        "include": _texts,
        "ignore": _texts,
        "initial_sync": _flag,
    },
    always={"exec": {"command": None}},
)
build = record(
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
        "secrets": Field(each(file_mount)),
        "tags": _texts,
        "ulimits": Field(map_of(ulimit)),
        "platforms": _texts,
    }
)
attachment = record(
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


blkio_config = record(
    {
        "weight": Field(_weight),
        "weight_device": Field(each(_upper("weight", _weight))),
        **fields("device_read_bps device_read_iops device_write_bps device_write_iops", io_limits),
    }
)
