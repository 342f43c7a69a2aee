"""Domain: a DNS zone, the connection that holds it, and the records declared in it."""

from controller.core.kind import Kind
from controller.kinds.domain.expand import expand
from controller.kinds.domain.model import DomainSpec

KIND = Kind("domain", DomainSpec, "A DNS zone: the connection that holds it, and its records.", expand=expand)

__all__ = ["KIND", "DomainSpec"]
