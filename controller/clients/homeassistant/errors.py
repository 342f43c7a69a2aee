"""What can go wrong with Home Assistant, in words for a person."""

from __future__ import annotations

from controller.core.errors import Permanent, Transient

LONGEST = 256


class Unsure(Transient):
    """The answer to a command was lost: whether it was done can only be seen by looking."""


class Refused(Permanent):
    """Home Assistant does not do it. `code` is its own word for why (`not_found`, `invalid_format`, `unauthorized`, …): the text
    changes with every version and must not be parsed."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(cut(f"Home Assistant refuses ({code}): {message}"))


def cut(text: str) -> str:
    """A text of a length that can be shown, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def words(error: BaseException) -> str:
    """Why something did not work, without the name of a class where it says more."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
