"""Helper: a value that Home Assistant keeps: a switch, a number, a choice, a text, a date, a counter, a timer, a schedule."""

from controller.core.kind import Kind
from controller.kinds.helper.model import CALLED, HelperSpec
from controller.kinds.helper.provider import HelperProvider
from controller.kinds.helper.resolve import resolve, same, verb

KIND = Kind(
    name="helper",
    model=HelperSpec,
    summary="A helper in Home Assistant: input_boolean, input_number, timer, schedule and the like.",
    resolve=resolve,
    verb=verb,
    same=same,
    markless=True,
    called=CALLED,
)

__all__ = ["KIND", "HelperProvider", "HelperSpec"]
