"""Service: one container, declared as an entry of Compose's `services:`, updated behind a health gate and put back when it
fails."""

from controller.core.kind import Kind
from controller.kinds.service.docker import ServiceProvider
from controller.kinds.service.judgement import WHOLE, reversal, same, verb
from controller.kinds.service.model import ServiceSpec
from controller.kinds.service.resolve import expand, resolve
from controller.kinds.service.widening import widens

KIND = Kind(
    name="service",
    model=ServiceSpec,
    summary="A container: any entry of Compose's `services:`, with health gate, rollback and drift repair.",
    resolve=resolve,
    expand=expand,
    verb=verb,
    widens=widens,
    reversal=reversal,
    same=same,
    whole=WHOLE,
)

__all__ = ["KIND", "ServiceProvider", "ServiceSpec"]
