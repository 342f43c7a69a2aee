"""Lines: text of several lines as a form sends it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from controller.web.proposal_bodies import Reason


def newlines(text: object) -> object:
    """With plain line ends: browsers send CRLF whatever they were given."""
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


Lines = Annotated[Reason, BeforeValidator(newlines)]
