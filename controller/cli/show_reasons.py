"""Why keys stand as they do: short beside each key, and once below the table what many have in common or what would not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.cli.show_findings import unreachable
from controller.cli.text import Paint, cut, visible, width, wrapped

_SHORT = 32
"""What is no longer than this may stand in every row."""

Item = Mapping[str, Any]


class Reasons:
    """The reasons of the items of one table. `room` is how many columns a row leaves for them (0 = as many as it takes);
    `backends` are told above the table."""

    def __init__(self, items: Sequence[Item], backends: Mapping[str, str], room: int) -> None:
        self._room = room
        self._down = {name for name, reason in backends.items() if reason}
        self._users: dict[str, list[Item]] = {}
        for item in items:
            self._users.setdefault(self._common(item), []).append(item)
        self._notes: dict[str, str] = {}

    def short(self, item: Item) -> str:
        """What stands in the row of an item."""
        if self._untold(item):
            return unreachable(item["provider"])
        own, common = _own(item), self._common(item)
        whole = _joined(_truths(item), item["why"], _command([item]))
        if len(self._users[common]) > 1 and width(common) > _SHORT:
            return self._fitted(own, self._mark(_joined(common, _command(self._users[common]))))
        if self._room and width(visible(whole)) > self._room:
            return self._fitted(own or whole, self._mark(whole))
        return whole

    def notes(self, paint: Paint) -> list[str]:
        """The lines below the table."""
        lines: list[str] = []
        for text, mark in self._notes.items():
            lines += wrapped(f"{mark} {visible(text)}", paint.columns, " " * (len(mark) + 1))
        return ["", *lines] if lines else []

    def _untold(self, item: Item) -> bool:
        return item["sync"] == "Unknown" and item["provider"] in self._down

    def _common(self, item: Item) -> str:
        """What others may have too: both truths where they differ, and the word about the rollout."""
        return "" if self._untold(item) else _joined(_truths(item), item.get("shared", ""))

    def _mark(self, text: str) -> str:
        return self._notes.setdefault(text, f"[{len(self._notes) + 1}]")

    def _fitted(self, own: str, mark: str) -> str:
        if not self._room:
            return f"{own} {mark}".lstrip()
        return f"{cut(visible(own), self._room - len(mark) - 1)} {mark}".lstrip()


def _truths(item: Item) -> str:
    """What git wants and what runs, only where they differ and something runs."""
    attempted, applied = item["attempted"], item["applied"]
    if not applied or applied == attempted or item["sync"] in ("Synced", "Unknown") or item["health"] == "Missing":
        return ""
    return f"git wants {attempted[:10]}, running {applied[:10]}" if attempted else ""


def _command(items: Iterable[Item]) -> str:
    """How a person goes on: one command for all."""
    held = dict.fromkeys(item["rollout"][:12] for item in items if item["sync"] == "Held" and item.get("rollout"))
    return f"homelab approve {' '.join(held)}" if held else ""


def _own(item: Item) -> str:
    own: str = item["why"]
    return own.removesuffix(item.get("shared", "")).removesuffix("; ")


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
