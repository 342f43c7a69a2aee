"""A log as it is told: no secret gets through, however an engine cuts what a container writes."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.docker.logs import frames
from controller.kinds.service.speech import Veil, veiled

SECRET, ENVIRONMENT = "correct-horse-battery", "s3cr3t-of-this-one"
DETAILS: dict[str, Any] = {"Config": {"Env": [f"DB_PASSWORD={ENVIRONMENT}", "TZ=UTC"], "Labels": {}}, "State": {}}


def conceal(text: str) -> str:
    """What a vault with one value does."""
    return text.replace(SECRET, "•••")


def cut(text: bytes, places: list[int]) -> list[bytes]:
    """A text in pieces."""
    marks = sorted({min(place, len(text)) for place in places})
    return [text[start:end] for start, end in zip([0, *marks], [*marks, len(text)], strict=True)]


LINES = st.lists(st.sampled_from(["plain", SECRET, f"a {SECRET} b {ENVIRONMENT}", "é" * 5, "", ENVIRONMENT * 2]), max_size=8)


@settings(derandomize=True, max_examples=200)
@given(lines=LINES, places=st.lists(st.integers(0, 200), max_size=6), ended=st.booleans())
def test_cutting_a_text_anywhere_changes_nothing(lines: list[str], places: list[int], ended: bool) -> None:
    text = "".join(f"{line}\n" for line in lines) + ("" if ended else f"the end {SECRET}")
    told = veiled([(1, piece) for piece in cut(text.encode(), places)], DETAILS, conceal)
    assert told == conceal(text).replace(ENVIRONMENT, "•••") + ("" if ended else "\n")


@settings(derandomize=True, max_examples=100)
@given(place=st.integers(1, len(SECRET) - 1))
def test_a_line_of_one_output_does_not_open_a_secret_of_the_other(place: int) -> None:
    secret = SECRET.encode()
    pieces = [(1, secret[:place]), (2, b"a warning\n"), (1, secret[place:] + b"\n")]
    assert veiled(pieces, DETAILS, conceal) == "a warning\n•••\n"


@pytest.mark.parametrize("shift", [0, 1, 7, 20, 21, 22, 1000])
def test_a_line_without_an_end_is_told_in_parts_that_hide_the_secret(shift: int) -> None:
    veil = Veil(DETAILS, conceal)
    endless = b"x" * ((1 << 17) - shift) + SECRET.encode() + b"y" * (1 << 17)
    told = [veil.told(1, endless[start : start + 4096]) for start in range(0, len(endless), 4096)]
    assert any(told), "what is too long to wait for is told before it ends"
    assert "".join(told) + veil.rest() == conceal(endless.decode()) + "\n"


@settings(derandomize=True, max_examples=200)
@given(
    pieces=st.lists(st.tuples(st.integers(1, 2), st.binary(max_size=20)), max_size=6),
    places=st.lists(st.integers(0, 160), max_size=8),
)
def test_frames_are_read_however_they_are_cut(pieces: list[tuple[int, bytes]], places: list[int]) -> None:
    sent = b"".join(bytes([output, 0, 0, 0]) + struct.pack(">L", len(content)) + content for output, content in pieces)
    assert list(frames(cut(sent, places), terminal=False)) == pieces


def test_a_terminal_has_no_frames() -> None:
    assert list(frames([b"\1\0\0\0", b"plain\r\n"], terminal=True)) == [(0, b"\1\0\0\0"), (0, b"plain\r\n")]
