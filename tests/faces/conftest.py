"""Fixtures of the faces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.webhouse import WebHouse


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebHouse]:
    """A served house with two boxes that are applied."""
    yield from _served(tmp_path)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebHouse]:
    """The same, for tests that change nothing in it; its public address is https://house.example.net."""
    yield from _served(tmp_path_factory.mktemp("still"), "https://house.example.net")


def _served(folder: Path, *public: str) -> Iterator[WebHouse]:
    found = WebHouse(folder, public=public)
    found.house.commit({"one": {"size": 1}, "two": {"size": 2}})
    found.reconcile()
    found.start()
    yield found
    found.end()
