"""A kept list is asked for again whenever it could have moved."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.clients.docker import Kept


class Shelf:
    """A list that counts how often it was read; `meanwhile` happens during the next reading."""

    def __init__(self) -> None:
        self.reads = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def read(self) -> int:
        self.reads += 1
        happening, self.meanwhile = self.meanwhile, lambda: None
        happening()
        return self.reads


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_it_is_read_once_while_the_stream_stands_and_nothing_moves(shelf: Shelf) -> None:
    kept = Kept(shelf.read)
    kept.attach(True)
    assert [kept.get() for _ in range(3)] == [1, 1, 1]


def test_without_a_stream_it_is_read_every_time(shelf: Shelf) -> None:
    kept = Kept(shelf.read)
    assert [kept.get(), kept.get()] == [1, 2]
    kept.attach(True)
    kept.attach(False)
    assert [kept.get(), kept.get()] == [3, 4]


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda kept: kept.doubt(), "the engine told of a change, or an audit trusts nothing"),
        (lambda kept: kept.attach(True), "what happened while the stream was down was not told"),
        (lambda kept: kept.moving().__enter__(), "a write of our own is under way"),
    ],
)
def test_it_is_read_anew_after_whatever_may_have_moved_it(
    shelf: Shelf, happens: Callable[[Kept[int]], None], reason: str
) -> None:
    kept = Kept(shelf.read)
    kept.attach(True)
    kept.get()
    happens(kept)
    assert kept.get() == 2, reason


def test_what_was_read_during_a_write_is_not_kept(shelf: Shelf) -> None:
    kept = Kept(shelf.read)
    kept.attach(True)
    with kept.moving():
        assert kept.get() == 1
    assert kept.get() == 2


def test_what_moved_while_it_was_read_is_read_again(shelf: Shelf) -> None:
    kept = Kept(shelf.read)
    kept.attach(True)
    shelf.meanwhile = kept.doubt
    assert [kept.get(), kept.get(), kept.get()] == [1, 2, 2]
