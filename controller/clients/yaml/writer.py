"""Plain data as YAML that every reader understands the same way, for files that importers and `homelab new` write."""

from __future__ import annotations

from typing import Any

import yaml

from controller.clients.compose.data import Plain
from controller.clients.yaml.scalars import plain_scalar

_WIDTH = 100


class _Dumper(yaml.CSafeDumper):
    """Block style, no aliases; quotes what YAML 1.1 or 1.2 would not read back as text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.Node:
    if isinstance(value, Plain):
        # It means what a reader of a compose file makes of it without quotes.
        tag = dumper.resolve(yaml.ScalarNode, str(value), (True, False))  # type: ignore[no-untyped-call]
        return dumper.represent_scalar(tag, str(value))
    style = None
    if "\n" in value and value.strip() == value.rstrip("\n"):
        style = "|"
    elif not _is_text(value):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


def _is_text(value: str) -> bool:
    try:
        return type(plain_scalar(value)) is str
    except ValueError:
        return False


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, _text)


def write_yaml(*documents: Any) -> str:
    """The documents as text, keys in the order given; `read_yaml` gives equal data back.

    Takes None, bool, int, finite float, str, list and dict with text keys; raises yaml.YAMLError for anything else."""
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=_WIDTH,
        explicit_start=len(documents) > 1,
    )
