"""Suggestions for mistyped words."""

from __future__ import annotations

import pytest

from controller.core.suggest import did_you_mean


@pytest.mark.parametrize(
    ("word", "expected", "reason"),
    [
        ("imgae", "did you mean `image`?", "two letters are swapped"),
        ("Service", "did you mean `Service`?", "the exact word is the nearest"),
        ("service", "did you mean `Service`?", "the case does not matter"),
        ("zzz", "", "nothing is near"),
        ("", "", "nothing is written"),
        ("image" * 100_000, "", "a hostile word costs nothing"),
    ],
)
def test_the_nearest_word_is_offered(word: str, expected: str, reason: str) -> None:
    assert did_you_mean(word, ["image", "ports", "Service"]) == expected, reason


def test_nothing_known_means_no_offer() -> None:
    assert did_you_mean("a", []) == ""
