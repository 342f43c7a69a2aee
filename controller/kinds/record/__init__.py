"""Record: all DNS records of one name and type, the unit of change, undo and ask."""

from controller.core.kind import Kind
from controller.kinds.record.connection import authority, common_problems, follow, open_powerdns, open_rfc2136
from controller.kinds.record.model import RecordSpec
from controller.kinds.record.octodns_open import octodns_problems, open_octodns
from controller.kinds.record.provider import RecordProvider
from controller.kinds.record.resolve import resolve, same, verb
from controller.kinds.record.telling import STAGES
from controller.kinds.record.zoneedit_open import open_zoneedit

KIND = Kind(
    name="record",
    model=RecordSpec,
    summary="DNS records of one name and type, in the zone of a Domain.",
    resolve=resolve,
    verb=verb,
    same=same,
    markless=True,
    stages=STAGES,
)

__all__ = [
    "KIND",
    "RecordProvider",
    "RecordSpec",
    "authority",
    "common_problems",
    "follow",
    "octodns_problems",
    "open_octodns",
    "open_powerdns",
    "open_rfc2136",
    "open_zoneedit",
]
