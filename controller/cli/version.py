"""`homelab version`."""

from __future__ import annotations

from controller.cli.verbs import talk, verb


@verb("version", examples=["homelab version", "homelab version -o json"], settings=False, prints=True)
def version_verb() -> None:
    """Print the version."""
    from importlib.metadata import version

    found = version("homelabhub")
    talk().data({"version": found}, [f"homelab {found}"])
