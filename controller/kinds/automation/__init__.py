"""Automation: what Home Assistant does by itself when something happens."""

from controller.clients.homeassistant.declaring import WHOLE, same, verb
from controller.core.kind import Kind
from controller.kinds.automation.model import AutomationSpec
from controller.kinds.automation.resolve import resolve

KIND = Kind(
    name="automation",
    model=AutomationSpec,
    summary="What Home Assistant does by itself when something happens.",
    resolve=resolve,
    verb=verb,
    same=same,
    whole=WHOLE,
    markless=True,
)

__all__ = ["KIND", "AutomationSpec"]
