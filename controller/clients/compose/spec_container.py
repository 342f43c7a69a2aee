"""The shape of a container: the `container_spec` of the JSON Schema that Compose 5.6 validates with, written as checks."""

from __future__ import annotations

from controller.clients.compose.schema import Check, anything, by_type, entries, items, record, scalar

NAME = r"[a-zA-Z0-9._-]+"

text = scalar(str)
flag = scalar(bool, str)
number = scalar(float, str)
integer = scalar(int, str)
texts = items(text, unique=True)
text_or_texts = by_type({str: text, list: texts})
_option = scalar(str, float)
_options = entries(_option)
list_or_map = by_type({dict: entries(scalar(str, float, bool, type(None))), list: texts})
command = by_type({type(None): anything, str: anything, list: items(text)})
hosts = by_type({dict: entries(by_type({str: anything, list: items(text)})), list: texts})
_ulimit = record("a ulimit", {"hard": integer, "soft": integer}, required=("soft", "hard"))
ulimits = entries(by_type({int: integer, float: integer, str: anything, dict: _ulimit}))
_file_mount = by_type(
    {str: anything, dict: record("a mount of a file", {"source": text, "target": text, "uid": text, "gid": text, "mode": number})}
)
file_mounts = items(_file_mount)
DEVICE_REQUEST: dict[str, Check] = {
    "capabilities": texts,
    "count": integer,
    "device_ids": texts,
    "driver": text,
    "options": list_or_map,
}
_io_limits = items(record("a device limit", {"path": text, "rate": integer}, extensions=False))
_io_weights = items(record("a device weight", {"path": text, "weight": integer}, extensions=False))
_mount = record(
    "a mount",
    {
        "type": scalar(str, values=("bind", "volume", "tmpfs", "cluster", "npipe", "image")),
        "source": text,
        "target": text,
        "read_only": flag,
        "consistency": text,
        "bind": record(
            "a bind mount",
            {
                "propagation": text,
                "create_host_path": flag,
                "recursive": scalar(str, values=("enabled", "disabled", "writable", "readonly")),
                "selinux": scalar(str, values=("z", "Z")),
            },
        ),
        "volume": record("a volume mount", {"labels": list_or_map, "nocopy": flag, "subpath": text}),
        "tmpfs": record("a tmpfs mount", {"size": scalar(int, str, low=0), "mode": number}),
        "image": record("an image mount", {"subpath": text}),
    },
    required=("type",),
)
_attachment = record(
    "a network of a service",
    {
        "aliases": texts,
        "interface_name": text,
        "ipv4_address": text,
        "ipv6_address": text,
        "link_local_ips": texts,
        "mac_address": text,
        "driver_opts": _options,
        "priority": scalar(float),
        "gw_priority": scalar(float),
    },
)
_device = record("a device", {"source": text, "target": text, "permissions": text}, required=("source",))
_env_file = by_type(
    {
        str: anything,
        list: items(
            by_type(
                {
                    str: anything,
                    dict: record(
                        "an env_file entry",
                        {"path": text, "format": text, "required": flag},
                        required=("path",),
                        extensions=False,
                    ),
                }
            )
        ),
    }
)
_model_use = by_type({type(None): anything, dict: record("a model of a service", {"endpoint_var": text, "model_var": text})})

CONTAINER: dict[str, Check] = {
    "annotations": list_or_map,
    "blkio_config": record(
        "blkio_config",
        {
            "device_read_bps": _io_limits,
            "device_read_iops": _io_limits,
            "device_write_bps": _io_limits,
            "device_write_iops": _io_limits,
            "weight": integer,
            "weight_device": _io_weights,
        },
        extensions=False,
    ),
    "cap_add": texts,
    "cap_drop": texts,
    "cgroup": scalar(str, values=("host", "private")),
    "cgroup_parent": text,
    "command": command,
    "configs": file_mounts,
    "cpu_count": scalar(int, str, low=0),
    "cpu_percent": scalar(int, str, low=0, high=100),
    "cpu_shares": number,
    "cpu_quota": number,
    "cpu_period": number,
    "cpu_rt_period": number,
    "cpu_rt_runtime": number,
    "cpus": number,
    "cpuset": text,
    "credential_spec": record("credential_spec", {"config": text, "file": text, "registry": text}),
    "device_cgroup_rules": texts,
    "devices": items(by_type({str: anything, dict: _device})),
    "dns": text_or_texts,
    "dns_opt": texts,
    "dns_search": text_or_texts,
    "domainname": text,
    "entrypoint": command,
    "env_file": _env_file,
    "label_file": by_type({str: anything, list: items(text)}),
    "environment": list_or_map,
    "extra_hosts": hosts,
    "gpus": by_type({str: scalar(str, values=("all",)), list: items(record("a GPU request", DEVICE_REQUEST))}),
    "group_add": items(scalar(str, float), unique=True),
    "hostname": text,
    "image": text,
    "init": flag,
    "ipc": text,
    "isolation": text,
    "labels": list_or_map,
    "logging": record("logging", {"driver": text, "options": entries(scalar(str, float, type(None)))}),
    "mac_address": text,
    "mem_limit": number,
    "mem_reservation": integer,
    "mem_swappiness": integer,
    "memswap_limit": number,
    "network_mode": text,
    "models": by_type({list: texts, dict: entries(_model_use, name=NAME)}),
    "networks": by_type({list: texts, dict: entries(by_type({type(None): anything, dict: _attachment}), name=NAME)}),
    "oom_kill_disable": flag,
    "oom_score_adj": scalar(int, str, low=-1000, high=1000),
    "pid": text,
    "pids_limit": number,
    "platform": text,
    "privileged": flag,
    "pull_policy": scalar(
        str, pattern=r"^(always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+)$"
    ),
    "pull_refresh_after": text,
    "read_only": flag,
    "runtime": text,
    "security_opt": texts,
    "shm_size": number,
    "secrets": file_mounts,
    "sysctls": list_or_map,
    "stop_grace_period": text,
    "stop_signal": text,
    "storage_opt": entries(anything),
    "tmpfs": text_or_texts,
    "ulimits": ulimits,
    "use_api_socket": scalar(bool),
    "user": text,
    "uts": text,
    "userns_mode": text,
    "volumes": items(by_type({str: anything, dict: _mount}), unique=True),
    "volumes_from": texts,
    "working_dir": text,
}
